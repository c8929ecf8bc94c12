#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "check/check.h"

namespace strata::detail {

inline constexpr const char* kLayers = "image/overlay2/layerdb/sha256";
inline constexpr const char* kConfigs = "image/overlay2/imagedb/content/sha256";

/// A layer as the configs of images want it; what the LayerDB says is compared with that.
struct WantedLayer {
  ChainID chain;
  DiffID diff;
  std::optional<ChainID> parent;
  std::set<std::string> images = {};  // names
  std::string cache_id = {};          // once it is known
  std::string entry() const { return std::string(kLayers) + "/" + chain.digest().hex(); }
};

/// What the steps of one check share.
class Checker {
 public:
  Checker(const Store& store, const CheckRequest& request) : store_(store), request_(request) {}

  Result<CheckReport> run();

 private:
  using Step = std::function<Result<void>()>;

  // The steps, in this order.
  Result<void> find_unsettled();
  Result<void> check_tags();
  Result<void> check_images();
  Result<void> check_layers();
  Result<void> check_metadata();
  Result<void> check_containers();
  Result<void> check_mounts();
  Result<void> check_contents();
  Result<void> check_leftovers();

  // Of one layer, whose parent has been through them. False: the layer cannot be used, and later
  // steps make no sense.
  Result<bool> check_entry(WantedLayer& layer);
  Result<bool> check_cache_id(WantedLayer& layer);
  Result<bool> check_words(WantedLayer& layer);
  Result<bool> check_size(WantedLayer& layer);
  Result<void> check_odd_sizes();
  Result<bool> check_split(WantedLayer& layer);
  Result<bool> check_link(WantedLayer& layer);
  Result<bool> check_lower(WantedLayer& layer);
  Result<void> lose(const WantedLayer& layer);

  /// Reports what `step` repairs, and with --repair takes it. True if all is well afterwards.
  bool mend(Finding finding, const Step& step);
  void damage(Finding finding);
  bool has_damage() const { return report_.exit_status() == 2; }
  /// Moves `path` (below ROOT) to ROOT/strata/quarantine.
  Result<void> quarantine(const std::string& path);

  bool want(const std::string& image, const ImageConfig& config);
  std::string name_of(const std::string& hex) const;
  static std::vector<std::string> names(const WantedLayer& layer);
  void check_word(const WantedLayer& layer, const char* file, const std::string& right);

  void check_cache_link(const std::string& cache, const std::vector<std::string>& images);
  void check_cache_parent(const std::string& cache, const std::string& parent,
                          const std::vector<std::string>& images);
  Result<void> check_mount(const std::string& container);
  std::string cache_of(const ChainID& chain) const;
  void check_tag_keys(const References::Repositories& repositories);
  void check_mount_words(const std::string& container, const std::string& mount_id);

  /// Cache directories that no layer and no container names.
  Result<std::vector<std::string>> unnamed_caches() const;
  /// Of those the one that has the files of `layer`, as its tar-split says.
  Result<std::optional<std::string>> find_cache(const WantedLayer& layer) const;
  /// The one whose files give the layer's digest.
  Result<std::optional<std::string>> find_files(const WantedLayer& layer) const;
  Result<void> rebuild_split(const WantedLayer& layer);
  Result<void> restore_entry(const WantedLayer& layer, const std::string& cache);
  LayerInfo info(const WantedLayer& layer) const;

  std::vector<std::size_t> largest_first(const std::vector<const WantedLayer*>& layers) const;
  void report_contents(const WantedLayer& layer, const Error& error);
  Result<void> check_layer_contents(const WantedLayer& layer,
                                    std::atomic<std::int64_t>& bytes) const;
  struct Source {
    UniqueFd tar;
    std::string remedy;
  };
  /// The whole tar of a layer of which something is lost; nullopt if no one has it.
  std::optional<Source> find_contents(const WantedLayer& layer) const;
  Result<void> replace_contents(const WantedLayer& layer, int tar);
  /// Puts a layer that is lost in its place again, with its tar from the donor. True if it is
  /// there.
  bool restore_layer(WantedLayer& layer, Finding& finding);
  Result<void> take_from_donor(WantedLayer& layer);
  bool donor_has(const DiffID& id) const { return request_.donor && request_.donor->has(id); }
  bool restore_config(const ImageID& id, Finding finding);
  void check_parent_link(ImageID id, const ImageConfig& config);
  void check_container(const std::string& id);
  Result<void> find_shared_caches();
  bool has_contents(const WantedLayer& layer) const;

  void add_unused_layers(std::vector<Finding>& found) const;
  Result<void> add_halves(std::vector<Finding>& found) const;
  Result<void> add_unnamed_caches(std::vector<Finding>& found) const;
  Result<void> quarantine_broken_entries();

  const Store& store_;
  const CheckRequest& request_;
  CheckReport report_;
  std::map<std::string, std::string> names_;   // image ID in hex -> its first tag
  std::vector<WantedLayer> layers_;            // parents before children
  std::map<ChainID, std::size_t> index_;       // into layers_
  std::set<ChainID> lost_;                     // cannot be used, and so what stands on them
  std::set<ChainID> unreadable_;               // no tar-split: contents cannot be compared
  std::set<std::string> unsettled_;            // caches whose link or lower waits for --repair
  std::set<std::string> shared_caches_;        // named by more than one layer
  std::vector<const WantedLayer*> odd_sizes_;  // `size` is a number, but not that of the files
  std::set<ChainID> changed_;                  // their files are not what they were
  std::set<std::string> unsettled_hex_;        // in strata/unsynced since before a reboot
  std::set<ChainID> waiting_;                  // to be restored as a whole by --repair
};

}  // namespace strata::detail

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "build/mode_change.h"
#include "build/source_tree.h"
#include "build/tarsum.h"
#include "runtime/user.h"
#include "store/layer_writer.h"

namespace strata::build {

/// One thing that COPY was told to take.
struct CopySource {
  /// Its path below the destination: the last component of what was written, or with --parents all
  /// of it that is kept ("b/c").
  std::string name;
  SourceFile file;    // what it leads to
  std::string front;  // with --parents: what stands before `name` in its path, "a/"
};

/// How files change on the way.
struct CopyRules {
  std::optional<Owner> owner;         // --chown, or 0:0; none: the source's owner stays
  std::optional<ModeChange> mode;     // --chmod, for files and directories of the sources
  dockerfile::IgnoreMatcher exclude;  // --exclude, relative to each source directory
  bool parents = false;               // --parents: directories above the sources come along
  /// SOURCE_DATE_EPOCH: all that is copied or made has this time. Directories of the image, too, if
  /// they are younger.
  std::optional<Time> time;
  bool split_links = false;  // files with several names become several files
};

/// The layer of a COPY before it is written: every file with its place, in the order of a walk of
/// the layer. Rules of the destination: docker's (builder reference, "COPY").
///
/// `image_root` is the merged view of the image below (-1: there is none); it is only looked at.
/// Directories of the image that get new content are part of the layer, with their metadata as it
/// is: that is what overlayfs copies up. Directories that COPY itself makes take the newest time of
/// what is put into them, so that a layer depends on its inputs alone.
class CopyPlan {
 public:
  CopyPlan(int image_root, const CopyRules& rules) : image_root_(image_root), rules_(rules) {}

  /// Puts `source` at `destination` (absolute; links in the image are followed). `as_directory`: it
  /// is written with a slash at the end, or there are several sources.
  Result<void> add(SourceTree& tree, const CopySource& source, const std::string& destination,
                   bool as_directory);

  /// Makes the directory `path` and all missing ones above it, 0755 and owned by `owner`, with the
  /// time of the directory that is there already (WORKDIR). False if it exists.
  Result<bool> add_directory(const std::string& path, const Owner& owner);

  /// Makes sure that the layer has the directory `path`, to unpack an archive into, and gives its
  /// name in the layer; "" is the root.
  Result<std::string> add_place(const std::string& path);

  /// No more sources: directories get their times, those that get nothing new fall away.
  void finish();
  bool empty() const { return items_.empty(); }

  /// How the first file of a source differs from what `layer` (the files of an earlier COPY) has in
  /// its place: "src/a.c: content differs"; empty if none does. Xattrs are not looked at.
  Result<std::string> first_difference(int layer) const;

  /// Bytes so far.
  struct Copied {
    std::int64_t bytes = 0;    // of content
    std::int64_t dirtied = 0;  // that the disk may have to write: a linked file is one block
  };
  using TellCopied = std::function<void(const Copied&)>;
  /// What is known of the files.
  struct Sums {
    Tarsums* of = nullptr;  // the sums of files that are not known yet come from the same read
    std::uint64_t step_number = 0;  // of StatMemo::begin_step()
    std::uint64_t note_number = 0;  // of the note about the first donor; 0: there is none
  };
  /// Gives all of it to `layer`, whose settle() waits until it is written. `tell` (may be empty) is
  /// called again and again. Cancelled soon after `stop` is requested.
  Result<void> write(LayerWriter& layer, const Sums& sums, const TellCopied& tell,
                     const std::stop_token& stop) const;

 private:
  enum class Origin : std::uint8_t {
    Image,   // a directory that the image has
    Made,    // a directory that nobody gave us
    Source,  // from a source
  };
  /// What a file of the layer shall be. There is one for each file: it has no path of its own.
  struct Meta {
    Meta() = default;
    explicit Meta(const SourceFile& file);
    bool is_directory() const { return S_ISDIR(mode); }
    bool is_regular() const { return S_ISREG(mode); }
    bool is_link() const { return S_ISLNK(mode); }

    mode_t mode = 0;  // type and permission bits
    uid_t uid = 0;
    gid_t gid = 0;
    std::int64_t size = 0;  // bytes
    Time mtime;
    dev_t rdev = 0;
  };
  struct Item {
    Origin origin = Origin::Source;
    Meta meta;
    SourceTree* tree = nullptr;  // of Source
    const SourceFile* from = nullptr;
  };
  using Items = std::map<std::string, Item, WalkOrder>;

  Result<void> add_parents(const std::string& path, const Owner& owner);
  Result<void> add_source_parents(SourceTree& tree, const CopySource& source,
                                  const std::string& inside);
  Result<void> add_file(SourceTree& tree, const SourceFile& file, const std::string& path);
  Result<void> add_tree(SourceTree& tree, const SourceFile& top, const std::string& path);
  void put(const std::string& path, Item item);
  static Result<std::string> content_difference(int layer, const std::string& path,
                                                const Item& item);
  /// What the image has at `path`, links not followed.
  Result<std::optional<SourceFile>> in_image(const std::string& path) const;
  /// An image does not carry the time of its root directory: this stands for it.
  Result<Time> newest_in_root() const;
  Result<Resolved> resolve(const std::string& destination) const;
  Meta changed(const SourceFile& file) const;
  static Result<tar::Entry> make_entry(const std::string& path, const Meta& meta);
  struct Writing;  // where to, and what is known on the way
  Result<void> write_item(Writing& to, const std::string& path, const Item& item) const;
  static Result<void> write_known(Writing& to, const tar::Entry& entry, const Item& item,
                                  std::uint64_t crc);
  static Result<void> write_content(Writing& to, tar::Entry entry, const Item& item);

  int image_root_;
  const CopyRules& rules_;
  Items items_;
  std::vector<std::unique_ptr<SourceFile>> owned_;  // single files, which no listing keeps
};

}  // namespace strata::build

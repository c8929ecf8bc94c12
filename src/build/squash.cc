#include "build/squash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/temp_dir.h"
#include "build/committer.h"
#include "container/copy_tree.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "image/json.h"
#include "store/layer_writer.h"

namespace strata::build {
namespace {

std::string folder_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// What `to` has at the path of `entry`, in its directory there.
struct Place {
  UniqueFd dir;
  std::string name;
  std::optional<struct stat> there;
};

class LayerMerge {
 public:
  LayerMerge(int layer, int to, int base) : layer_(layer), to_(to), base_(base) {}

  Result<void> run() {
    TRY(walk_tree(layer_, [this](const WalkEntry& entry) { return visit(entry); }));
    // Their times change with what is put into them.
    for (auto path = directories_.rbegin(); path != directories_.rend(); ++path) {
      auto from = TRY(open_in_root(layer_, *path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
      auto dir = TRY(open_in_root(to_, *path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
      TRY(copy_root_metadata(from.get(), dir.get()));
    }
    return copy_root_metadata(layer_, to_);
  }

 private:
  Result<WalkStep> visit(const WalkEntry& entry) {
    auto place = TRY(find(entry));
    if (S_ISDIR(entry.st.st_mode)) {
      TRY(merge_directory(entry, place));
      directories_.push_back(entry.path);
      return WalkStep::Enter;
    }
    if (place.there) TRY(remove_tree(place.dir.get(), place.name));
    if (!is_whiteout(entry.st)) {
      if (::linkat(entry.dir, entry.name.c_str(), place.dir.get(), place.name.c_str(), 0) < 0)
        return Error::from_errno(errno, "link " + entry.path);
    } else if (TRY(below(entry.path))) {
      TRY(make_whiteout(place.dir.get(), place.name));
    }
    return WalkStep::Enter;
  }

  Result<void> merge_directory(const WalkEntry& entry, Place& place) {
    bool opaque = TRY(is_opaque(entry.dir, entry.name));
    bool covered = false;  // nothing of the base is seen through it
    if (place.there && S_ISDIR(place.there->st_mode)) {
      covered = TRY(is_opaque(place.dir.get(), place.name));
      if (opaque) TRY(remove_tree(place.dir.get(), place.name));
    } else if (place.there) {
      covered = true;  // a whiteout, or another file that stood in its place
      TRY(remove_tree(place.dir.get(), place.name));
    }
    if (::mkdirat(place.dir.get(), place.name.c_str(), 0700) < 0 && errno != EEXIST)
      return Error::from_errno(errno, "mkdir " + entry.path);
    auto beneath = TRY(below(entry.path));
    if ((opaque || covered) && beneath && S_ISDIR(beneath->st_mode))
      TRY(set_opaque(place.dir.get(), place.name));
    return {};
  }

  Result<Place> find(const WalkEntry& entry) const {
    Place place;
    place.dir =
        TRY(open_in_root(to_, folder_of(entry.path), Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
    place.name = entry.name;
    auto st = stat_at(place.dir.get(), place.name);
    if (st) place.there = *st;
    return place;
  }

  /// What the base shows at `path`.
  Result<std::optional<struct stat>> below(const std::string& path) const {
    std::optional<struct stat> none;
    if (base_ < 0) return none;
    auto dir = open_in_root(base_, folder_of(path), Resolve::NoLinks, O_RDONLY | O_DIRECTORY);
    if (!dir) return none;  // a parent is not there, or is no directory
    auto st = stat_at(dir->get(), path.substr(path.rfind('/') + 1));
    if (!st) return none;
    return std::optional(*st);
  }

  int layer_;
  int to_;
  int base_;
  std::vector<std::string> directories_;
};

/// One layer of all that `image` has above the first `below` layers; none if there is nothing.
Result<std::optional<LayerInfo>> squash_layers(const Store& store, const ImageConfig& image,
                                               std::size_t below) {
  std::vector<DiffID> lower(image.diff_ids.begin(),
                            image.diff_ids.begin() + static_cast<std::ptrdiff_t>(below));
  auto base = TRY(layer_base(store, lower));
  UniqueFd root;
  if (!base.lowers.empty()) root = TRY(mount_base(store, base));
  auto stack = TRY(store.layers().stack(image.diff_ids));
  auto merged = TRY(store.caches().create(!lower.empty()));
  for (std::size_t i = below; i < stack.size(); i++) {
    auto diff = TRY(store.caches().open_diff(stack[i].cache_id));
    TRY(merge_layer(diff.get(), merged->diff(), root ? root.get() : -1));
  }
  auto layer = TRY(LayerWriter::adopt(store, std::move(merged)));
  auto sealed = TRY(layer.seal());
  if (sealed.empty) return std::optional<LayerInfo>();
  std::optional<ChainID> parent;
  if (!lower.empty()) parent = chain_ids(lower).back();
  return std::optional(TRY(layer.publish(parent)));
}

/// docker leaves the image's parent in the JSON, where it decides about nothing.
std::string encode_with_parent(const ImageConfig& config, const std::optional<ImageID>& parent) {
  auto text = encode_image_config(config);
  auto json = Json::parse(text);
  if (!parent || !json) return text;
  Json::Object members;
  bool placed = false;
  for (const auto& member : json->as_object()) {
    if (!placed && member.first > "parent") {
      members.emplace_back("parent", parent->str());
      placed = true;
    }
    members.push_back(member);
  }
  return Json(std::move(members)).dump();
}

}  // namespace

Result<void> merge_layer(int layer, int to, int base) { return LayerMerge(layer, to, base).run(); }

Result<ImageID> squash_image(const Store& store, ImageID id, const std::optional<ImageID>& base) {
  auto image = TRY(store.images().get(id)).config;
  ImageConfig below;
  if (base) below = TRY(store.images().get(*base)).config;
  ImageConfig next = image;
  auto layer = TRY(squash_layers(store, image, below.diff_ids.size()));
  next.diff_ids = below.diff_ids;
  if (layer) next.diff_ids.push_back(layer->diff_id);
  for (std::size_t i = below.history.size(); i < next.history.size(); i++)
    next.history[i].empty_layer = true;
  HistoryEntry entry;
  entry.created = next.created = Time::now();
  entry.comment = base ? fmt::format("merge {} to {}", id.str(), base->str())
                       : fmt::format("create new from {}", id.str());
  entry.empty_layer = !layer;
  next.history.push_back(std::move(entry));
  return put_child_image(store, encode_with_parent(next, store.images().parent(id)), std::nullopt);
}

}  // namespace strata::build

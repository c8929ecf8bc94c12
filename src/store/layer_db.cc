#include "store/layer_db.h"

#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"
#include "store/detail/layer_children.h"
#include "store/detail/layer_fields.h"
#include "store/unsynced.h"

namespace strata {
namespace {

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_mount_id(std::string_view text) {
  constexpr std::string_view kInit = "-init";
  if (text.size() == 64 + kInit.size() && text.substr(64) == kInit)
    text.remove_suffix(kInit.size());
  return is_hex(text, 64);
}

/// Container names come from outside; one that is a path would lead out of mounts/.
Result<std::string> mount_path(const std::string& container) {
  if (container.empty() || container[0] == '.' || container.find('/') != std::string::npos)
    return Error(ErrorCode::InvalidArgument, fmt::format("bad container ID \"{}\"", container));
  return "mounts/" + container;
}

std::string layer_path(ChainID id) { return "sha256/" + id.digest().hex(); }

Result<LayerInfo> read_layer(int dir, ChainID id) {
  LayerInfo layer;
  layer.chain_id = id;
  layer.diff_id = DiffID(TRY(detail::read_digest(dir, "diff")));
  layer.size = TRY(detail::read_size(dir, "size"));
  layer.cache_id = detail::trim(TRY(detail::read_field(dir, "cache-id")));
  if (layer.cache_id.empty()) return detail::damaged("cache-id");
  layer.parent = TRY(detail::read_parent(dir, "parent"));
  if (id != chain_id(layer.parent, layer.diff_id))
    return Error(ErrorCode::Corrupt, "its name is not the ChainID of its parent and diff");
  return layer;
}

std::optional<ChainID> layer_name(const std::string& name) {
  auto digest = Digest::parse("sha256:" + name);
  return digest ? std::optional(ChainID(*digest)) : std::nullopt;
}

Result<ContainerMount> read_mount(int dir) {
  ContainerMount mount;
  mount.mount_id = detail::trim(TRY(detail::read_field(dir, "mount-id")));
  if (!is_mount_id(mount.mount_id)) return detail::damaged("mount-id");
  auto init = read_small(dir, "init-id");
  if (!init && init.error().code() != ErrorCode::NotFound) return std::move(init).error();
  if (init) mount.init_id = detail::trim(*init);
  if (init && !is_mount_id(mount.init_id)) return detail::damaged("init-id");
  mount.parent = TRY(detail::read_parent(dir, "parent"));
  return mount;
}

Result<void> write_fields(int dir, const LayerInfo& layer) {
  TRY(write_file(dir, "diff", layer.diff_id.str(), 0644));
  TRY(write_file(dir, "size", std::to_string(layer.size), 0644));
  TRY(write_file(dir, "cache-id", layer.cache_id, 0644));
  if (layer.parent) TRY(write_file(dir, "parent", layer.parent->str(), 0644));
  return {};
}

}  // namespace

LayerDB::LayerDB(UniqueFd dir)
    : dir_(std::move(dir)), children_(std::make_unique<detail::LayerChildren>()) {}
LayerDB::~LayerDB() = default;

Result<LayerInfo> LayerDB::get(ChainID id) const {
  auto path = layer_path(id);
  auto missing = [&] { return Error(ErrorCode::NotFound, "no layer " + id.str()); };
  auto dir = open_dir(dir_.get(), path);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return missing();
  if (!dir) return std::move(dir).error();
  auto layer = read_layer(dir->get(), id);
  // Somebody may have removed it while it was read: then it is not damaged but gone.
  if (!layer && !contains(id)) return missing();
  return std::move(layer).context("layer {}", id.str());
}

bool LayerDB::contains(ChainID id) const {
  return ::faccessat(dir_.get(), layer_path(id).c_str(), F_OK, 0) == 0;
}

Result<std::int64_t> LayerDB::size(ChainID id) const {
  return detail::read_size(dir_.get(), layer_path(id) + "/size");
}

Result<std::vector<LayerInfo>> LayerDB::list() const {
  std::vector<LayerInfo> layers;
  auto dir = TRY(open_dir(dir_.get(), "sha256"));
  for (const auto& name : TRY(list_dir(dir.get()))) {
    auto id = layer_name(name);
    if (!id) continue;
    if (auto layer = get(*id)) layers.push_back(*std::move(layer));
  }
  return layers;
}

Result<std::vector<std::pair<ChainID, std::optional<ChainID>>>> LayerDB::parents() const {
  std::vector<std::pair<ChainID, std::optional<ChainID>>> found;
  auto dir = TRY(open_dir(dir_.get(), "sha256"));
  for (const auto& name : TRY(list_dir(dir.get()))) {
    auto id = layer_name(name);
    if (!id) continue;
    auto parent = detail::read_parent(dir.get(), name + "/parent");
    if (parent)
      found.emplace_back(*id, *parent);
    else if (parent.error().code() != ErrorCode::Corrupt)
      return std::move(parent).error();
  }
  return found;
}

Result<std::vector<LayerInfo>> LayerDB::stack(const std::vector<DiffID>& diff_ids) const {
  std::vector<LayerInfo> layers;
  for (const auto& diff_id : diff_ids) {
    auto id = layers.empty() ? chain_id(diff_id) : chain_id(layers.back().chain_id, diff_id);
    layers.push_back(TRY(get(id)));
  }
  return layers;
}

Result<std::vector<LayerInfo>> LayerDB::newest_on(const std::optional<ChainID>& parent,
                                                  std::size_t count) const {
  std::vector<LayerInfo> layers;
  auto dir = TRY(open_dir(dir_.get(), "sha256"));
  for (const auto& id : TRY(children_->on(dir.get(), parent))) {
    if (layers.size() == count) break;
    if (auto layer = get(id)) layers.push_back(*std::move(layer));
  }
  return layers;
}

Result<UniqueFd> LayerDB::open_split(ChainID id) const {
  return open_at(dir_.get(), layer_path(id) + "/tar-split.json.gz", O_RDONLY);
}

Result<TempDir> LayerDB::begin() const {
  auto tmp = TRY(open_dir(dir_.get(), "tmp"));
  auto name = "write-set-" + random_hex(8);
  if (note_) TRY(note_("image/overlay2/layerdb/tmp/" + name));
  return TempDir::create_named(tmp.get(), name);
}

Result<void> LayerDB::publish(TempDir files, const LayerInfo& layer) const {
  TRY(write_fields(files.fd(), layer).context("layer {}", layer.chain_id.str()));
  auto layers = TRY(open_dir(dir_.get(), "sha256"));
  if (unsynced_ != nullptr) TRY(unsynced_->add(layer.chain_id));
  TRY(files.publish(layers.get(), layer.chain_id.digest().hex()));
  children_->add(layer.parent, layer.chain_id);
  return {};
}

Result<std::string> LayerDB::condemn(ChainID id) const {
  auto path = layer_path(id);
  auto removing = fmt::format("{}-{}-removing", path, random_hex(32));
  if (note_) TRY(note_("image/overlay2/layerdb/" + removing));
  if (::renameat(dir_.get(), path.c_str(), dir_.get(), removing.c_str()) < 0)
    return Error::from_errno(errno, "remove layer " + id.str());
  return removing;
}

Result<void> LayerDB::remove_condemned(const std::string& name) const {
  return remove_tree(dir_.get(), name);
}

Result<void> LayerDB::remove(ChainID id) const { return remove_condemned(TRY(condemn(id))); }

Result<ContainerMount> LayerDB::mount(const std::string& container) const {
  auto path = TRY(mount_path(container));
  auto dir = TRY(open_dir(dir_.get(), path));
  auto mount = read_mount(dir.get());
  // As in get(): gone, not damaged, if it was removed while it was read.
  const bool is_whole = mount && !mount->init_id.empty() && mount->parent;
  if (!is_whole && ::faccessat(dir_.get(), path.c_str(), F_OK, 0) < 0)
    return Error(ErrorCode::NotFound, "no layer of container " + container);
  return std::move(mount).context("layer of container {}", container);
}

Result<std::vector<std::string>> LayerDB::mounts() const {
  auto dir = TRY(open_dir(dir_.get(), "mounts"));
  return list_dir(dir.get());
}

Result<void> LayerDB::add_mount(const std::string& container, const ContainerMount& mount) const {
  auto path = TRY(mount_path(container));
  if (note_) TRY(note_("image/overlay2/layerdb/" + path));
  auto files = TRY(begin());
  TRY(write_file(files.fd(), "mount-id", mount.mount_id, 0644));
  if (!mount.init_id.empty()) TRY(write_file(files.fd(), "init-id", mount.init_id, 0644));
  if (mount.parent) TRY(write_file(files.fd(), "parent", mount.parent->str(), 0644));
  if (::fchmod(files.fd(), 0755) < 0) return Error::from_errno(errno, "chmod " + files.name());
  auto mounts = TRY(open_dir(dir_.get(), "mounts"));
  return files.publish(mounts.get(), container);
}

Result<void> LayerDB::remove_mount(const std::string& container) const {
  auto path = TRY(mount_path(container));
  auto removing = fmt::format("tmp/removing-{}", random_hex(16));
  if (::renameat(dir_.get(), path.c_str(), dir_.get(), removing.c_str()) < 0)
    return Error::from_errno(errno, "remove layer of container " + container);
  return remove_tree(dir_.get(), removing);
}

}  // namespace strata

#include "store/layer_db.h"

#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "base/random_id.h"
#include "store/unsynced.h"

namespace strata {
namespace {

constexpr std::size_t kField = 4096;  // bytes; none of the fields is longer

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

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

Error damaged(std::string_view field) {
  return Error(ErrorCode::Corrupt, fmt::format("{} is damaged", field));
}

Result<std::string> read_field(int dir, const std::string& field) {
  auto text = read_file(dir, field, kField);
  if (!text && text.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::Corrupt, field + " is missing");
  return text;
}

Result<Digest> read_digest(int dir, const std::string& field) {
  auto digest = Digest::parse(trim(TRY(read_field(dir, field))));
  if (!digest) return damaged(field);
  return digest;
}

/// As read_digest(), for a file that may be absent.
Result<std::optional<ChainID>> read_parent(int dir) {
  auto text = read_file(dir, "parent", kField);
  if (!text) {
    if (text.error().code() == ErrorCode::NotFound) return std::optional<ChainID>();
    return std::move(text).error();
  }
  auto digest = Digest::parse(trim(*text));
  if (!digest) return damaged("parent");
  return std::optional(ChainID(*digest));
}

/// dockerd takes a sign and refuses white space; it writes neither.
Result<std::int64_t> read_size(int dir) {
  auto text = TRY(read_field(dir, "size"));
  std::int64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < 0) return damaged("size");
  return size;
}

Result<LayerInfo> read_layer(int dir, ChainID id) {
  LayerInfo layer;
  layer.chain_id = id;
  layer.diff_id = DiffID(TRY(read_digest(dir, "diff")));
  layer.size = TRY(read_size(dir));
  layer.cache_id = trim(TRY(read_field(dir, "cache-id")));
  if (layer.cache_id.empty()) return damaged("cache-id");
  layer.parent = TRY(read_parent(dir));
  if (id != chain_id(layer.parent, layer.diff_id))
    return Error(ErrorCode::Corrupt, "its name is not the ChainID of its parent and diff");
  return layer;
}

std::optional<ChainID> layer_name(const std::string& name) {
  auto digest = Digest::parse("sha256:" + name);
  return digest ? std::optional(ChainID(*digest)) : std::nullopt;
}

Result<void> write_fields(int dir, const LayerInfo& layer) {
  TRY(write_file(dir, "diff", layer.diff_id.str(), 0644));
  TRY(write_file(dir, "size", std::to_string(layer.size), 0644));
  TRY(write_file(dir, "cache-id", layer.cache_id, 0644));
  if (layer.parent) TRY(write_file(dir, "parent", layer.parent->str(), 0644));
  return {};
}

}  // namespace

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

Result<std::vector<LayerInfo>> LayerDB::stack(const std::vector<DiffID>& diff_ids) const {
  std::vector<LayerInfo> layers;
  for (const auto& diff_id : diff_ids) {
    auto id = layers.empty() ? chain_id(diff_id) : chain_id(layers.back().chain_id, diff_id);
    layers.push_back(TRY(get(id)));
  }
  return layers;
}

Result<std::vector<LayerInfo>> LayerDB::siblings(const std::optional<ChainID>& parent) const {
  std::vector<LayerInfo> layers;
  auto dir = TRY(open_dir(dir_.get(), "sha256"));
  for (const auto& name : TRY(list_dir(dir.get()))) {
    auto id = layer_name(name);
    if (!id) continue;
    // Most layers stand elsewhere: look at that one file before reading the rest.
    auto entry = open_dir(dir.get(), name);
    if (!entry) continue;
    auto stands_on = read_parent(entry->get());
    if (!stands_on || *stands_on != parent) continue;
    if (auto layer = read_layer(entry->get(), *id)) layers.push_back(*std::move(layer));
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
  return files.publish(layers.get(), layer.chain_id.digest().hex());
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
  return [&]() -> Result<ContainerMount> {
    ContainerMount mount;
    mount.mount_id = trim(TRY(read_field(dir.get(), "mount-id")));
    if (!is_mount_id(mount.mount_id)) return damaged("mount-id");
    auto init = read_file(dir.get(), "init-id", kField);
    if (!init && init.error().code() != ErrorCode::NotFound) return std::move(init).error();
    if (init) mount.init_id = trim(*init);
    if (init && !is_mount_id(mount.init_id)) return damaged("init-id");
    mount.parent = TRY(read_parent(dir.get()));
    return mount;
  }()
                      .context("layer of container {}", container);
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

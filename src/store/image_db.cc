#include "store/image_db.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "base/temp_dir.h"
#include "store/detail/image_family.h"
#include "store/unsynced.h"

namespace strata {
namespace {

constexpr std::size_t kMetadataKey = 4096;  // bytes; no metadata key is longer

std::string key_path(ImageID id, const char* key) { return id.digest().hex() + '/' + key; }

std::optional<ImageID> image_name(const std::string& name) {
  auto digest = Digest::parse("sha256:" + name);
  return digest ? std::optional(ImageID(*digest)) : std::nullopt;
}

bool has_key(int metadata, ImageID id, const char* key) {
  return ::faccessat(metadata, key_path(id, key).c_str(), F_OK, 0) == 0;
}

}  // namespace

ImageDB::ImageDB(UniqueFd content, UniqueFd metadata)
    : content_(std::move(content)),
      metadata_(std::move(metadata)),
      family_(std::make_unique<detail::ImageFamily>(metadata_.get())) {}
ImageDB::ImageDB(ImageDB&&) noexcept = default;
ImageDB::~ImageDB() = default;

void ImageDB::note_in(const Unsynced& unsynced, int own_dir) {
  unsynced_ = &unsynced;
  family_->keep_in(own_dir);
}

Result<void> ImageDB::write_key(ImageID id, const char* key, std::string_view value) const {
  auto name = id.digest().hex();
  if (::mkdirat(metadata_.get(), name.c_str(), 0700) < 0 && errno != EEXIST)
    return Error::from_errno(errno, "mkdir " + name);
  return write_file_atomic(metadata_.get(), key_path(id, key), value, 0600);
}

Result<Image> ImageDB::get(ImageID id) const {
  auto bytes = read_file(content_.get(), id.digest().hex());
  if (!bytes && bytes.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::NotFound, "no image " + id.str());
  if (!bytes) return std::move(bytes).error();
  if (sha256(*bytes) != id.digest())
    return Error(ErrorCode::Corrupt,
                 fmt::format("image {}: its config has another digest", id.str()));
  auto config = TRY(parse_image_config(*bytes).context("image {}", id.str()));
  return Image{id, *std::move(bytes), std::move(config)};
}

bool ImageDB::contains(ImageID id) const {
  return ::faccessat(content_.get(), id.digest().hex().c_str(), F_OK, 0) == 0;
}

Result<std::vector<ImageID>> ImageDB::list() const {
  std::vector<ImageID> ids;
  for (const auto& name : TRY(list_dir(content_.get())))
    if (auto id = image_name(name)) ids.push_back(*id);
  return ids;  // sorted as the names are
}

Result<ImageID> ImageDB::find(std::string_view hex_prefix) const {
  std::optional<ImageID> found;
  if (!hex_prefix.empty()) {
    for (const auto& id : TRY(list())) {
      if (id.digest().hex().compare(0, hex_prefix.size(), hex_prefix) != 0) continue;
      if (found)
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("several images start with {}", hex_prefix));
      found = id;
    }
  }
  if (!found) return Error(ErrorCode::NotFound, fmt::format("no image starts with {}", hex_prefix));
  return *found;
}

Result<ImageID> ImageDB::put(std::string_view config, const std::optional<ImageID>& parent,
                             bool built_locally) const {
  ImageID id(sha256(config));
  auto name = id.digest().hex();
  auto stored = read_file(content_.get(), name);
  if (!stored || *stored != config) {  // absent, or damaged by a power cut: then this is the repair
    if (unsynced_ != nullptr) TRY(unsynced_->add(id));
    TRY(write_file_atomic(content_.get(), name, config, 0600));
  }
  if (parent) {
    if (unsynced_ != nullptr) TRY(unsynced_->add(id));
    TRY(write_key(id, "parent", parent->str()));
    family_->set(id, parent);
  }
  if (built_locally && unsynced_ != nullptr) TRY(unsynced_->add(id));
  if (built_locally) TRY(write_key(id, "builtLocally", "\x01"));
  return id;
}

std::optional<ImageID> ImageDB::parent(ImageID id) const {
  return detail::read_image_parent(metadata_.get(), id);
}

Result<std::vector<std::pair<ImageID, ImageID>>> ImageDB::parents() const {
  std::vector<std::pair<ImageID, ImageID>> found;
  for (const auto& name : TRY(list_dir(metadata_.get())))
    if (auto child = image_name(name))
      if (auto of_child = parent(*child)) found.emplace_back(*child, *of_child);
  return found;
}

Result<std::vector<ImageID>> ImageDB::children(const std::optional<ImageID>& id,
                                               std::string_view mentioning) const {
  auto mentions = [&](ImageID child) {
    auto config = read_file(content_.get(), child.digest().hex());
    return config && config->find(mentioning) != std::string::npos;
  };
  std::vector<ImageID> found;
  for (const auto& child : TRY(family_->on(id))) {
    if (!mentioning.empty() && !mentions(child)) continue;
    if (!id && !has_key(metadata_.get(), child, "builtLocally")) continue;
    if (parent(child) == id && contains(child)) found.push_back(child);
  }
  return found;
}

std::optional<Time> ImageDB::last_updated(ImageID id) const {
  auto text = read_file(metadata_.get(), key_path(id, "lastUpdated"), kMetadataKey);
  if (!text) return std::nullopt;
  auto time = Time::parse(*text);
  return time ? std::optional(*time) : std::nullopt;
}

Result<void> ImageDB::set_last_updated(ImageID id, Time when) const {
  if (unsynced_ != nullptr) TRY(unsynced_->add_time(id));
  return write_key(id, "lastUpdated", when.str());
}

Result<void> ImageDB::drop_empty_metadata(ImageID id) const {
  auto dir = open_dir(metadata_.get(), id.digest().hex());
  if (!dir) return {};
  for (const auto& key : TRY(list_dir(dir->get()))) {
    auto st = stat_at(dir->get(), key);
    if (st && st->st_size == 0) ::unlinkat(dir->get(), key.c_str(), 0);
  }
  return {};
}

Result<void> ImageDB::remove_parent_of(ImageID child) const {
  if (::unlinkat(metadata_.get(), key_path(child, "parent").c_str(), 0) < 0 && errno != ENOENT)
    return Error::from_errno(errno, "remove parent of " + child.str());
  family_->set(child, std::nullopt);
  return {};
}

Result<void> ImageDB::remove(ImageID id,
                             const std::vector<std::pair<ImageID, ImageID>>& parents) const {
  auto name = id.digest().hex();
  if (!contains(id)) return Error(ErrorCode::NotFound, "no image " + id.str());
  // They go first: a `parent` that leads nowhere would be damage, a missing one is not.
  for (const auto& [child, parent] : parents)
    if (parent == id) TRY(remove_parent_of(child));
  if (::unlinkat(content_.get(), name.c_str(), 0) < 0 && errno != ENOENT)
    return Error::from_errno(errno, "remove image " + id.str());
  auto removed = remove_tree(metadata_.get(), name);
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  return {};
}

}  // namespace strata

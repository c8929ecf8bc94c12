#include "copy/layout.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"

namespace strata::copy {
namespace {

constexpr const char* kIndexFile = "index.json";
constexpr const char* kVersionFile = "oci-layout";
constexpr const char* kBlobs = "blobs/sha256";
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
constexpr std::size_t kPieceSize = std::size_t{256} << 10;

/// A file of a layout that has no name yet; removed unless it gets one.
class NewBlob {
 public:
  static Result<NewBlob> create(int dir) {
    auto name = fmt::format("{}/.tmp-{}", kBlobs, random_hex(8));
    auto fd = TRY(open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    return NewBlob(dir, std::move(fd), std::move(name));
  }
  NewBlob(NewBlob&& o) noexcept
      : dir_(o.dir_), fd_(std::move(o.fd_)), name_(std::exchange(o.name_, {})) {}
  NewBlob& operator=(NewBlob&&) = delete;
  ~NewBlob() {
    if (!name_.empty()) ::unlinkat(dir_, name_.c_str(), 0);
  }

  int fd() const { return fd_.get(); }
  Result<void> publish(const Digest& digest) {
    auto path = blob_path(digest);
    if (::renameat(dir_, name_.c_str(), dir_, path.c_str()) < 0)
      return Error::from_errno(errno, "rename " + path);
    name_.clear();
    return {};
  }

 private:
  NewBlob(int dir, UniqueFd fd, std::string name)
      : dir_(dir), fd_(std::move(fd)), name_(std::move(name)) {}

  int dir_;
  UniqueFd fd_;
  std::string name_;
};

Result<const Json*> find_named(const Json& index, const std::string& name) {
  const Json* found = nullptr;
  for (const auto& entry : index["manifests"].as_array()) {
    if (!name.empty() && entry["annotations"][kRefName].as_string() != name) continue;
    if (found != nullptr && name.empty())
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("{}: more than one image, one must be named", kIndexFile));
    found = &entry;
  }
  if (found == nullptr)
    return Error(ErrorCode::NotFound,
                 name.empty() ? fmt::format("{}: no image", kIndexFile)
                              : fmt::format("{}: it has no image \"{}\"", kIndexFile, name));
  return found;
}

}  // namespace

std::string blob_path(const Digest& digest) { return fmt::format("{}/{}", kBlobs, digest.hex()); }

Result<Document> LayoutSource::root() {
  Descriptor descriptor;
  if (auto digest = Digest::parse(name_)) {
    descriptor.digest = *digest;
    return manifest(descriptor);
  }
  if (members_->contains(kVersionFile)) {
    auto text = TRY(archive::read_document(*members_, kVersionFile));
    auto version = TRY(Json::parse(text).context("{}", kVersionFile));
    if (!version["imageLayoutVersion"].as_string().starts_with("1."))
      return Error(ErrorCode::Unsupported, fmt::format("{}: unknown version", kVersionFile));
  }
  auto text = TRY(archive::read_document(*members_, kIndexFile));
  auto index = TRY(Json::parse(text).context("{}", kIndexFile));
  const auto* entry = TRY(find_named(index, name_));
  descriptor.media_type = (*entry)["mediaType"].as_string();
  descriptor.digest = TRY(Digest::parse((*entry)["digest"].as_string()).context("{}", kIndexFile));
  return manifest(descriptor);
}

Result<Document> LayoutSource::manifest(const Descriptor& descriptor) {
  auto name = blob_path(descriptor.digest);
  Document document;
  document.bytes = TRY(archive::read_document(*members_, name));
  document.media_type = descriptor.media_type;
  document.digest = sha256(document.bytes);
  if (document.digest != descriptor.digest)
    return Error(ErrorCode::Corrupt, name + ": it does not have the digest of its name");
  return document;
}

Result<std::unique_ptr<ByteSource>> LayoutSource::open(const Descriptor& blob) {
  return members_->open(blob_path(blob.digest));
}

Result<bool> LayoutDestination::has(const Descriptor& blob) {
  auto st = stat_at(dir_.get(), blob_path(blob.digest));
  if (!st && st.error().code() != ErrorCode::NotFound) return std::move(st).error();
  return st && S_ISREG(st->st_mode) && st->st_size == blob.size;
}

Result<void> LayoutDestination::put(const OpenBlob& open, const std::function<Descriptor()>& what) {
  TRY(make_dirs(dir_.get(), kBlobs, 0755));
  auto file = TRY(NewBlob::create(dir_.get()));
  auto source = TRY(open());
  std::vector<char> buffer(kPieceSize);
  while (auto n = TRY(source->read(buffer))) TRY(write_all(file.fd(), {buffer.data(), n}));
  return file.publish(what().digest);
}

Result<void> LayoutDestination::put_manifest(const Document& document) {
  TRY(make_dirs(dir_.get(), kBlobs, 0755));
  auto file = TRY(NewBlob::create(dir_.get()));
  TRY(write_all(file.fd(), document.bytes));
  return file.publish(document.digest);
}

Result<void> LayoutDestination::finish(const Document& root) {
  TRY(put_manifest(root));
  TRY(write_file_atomic(dir_.get(), kVersionFile, kLayoutVersion, 0644));
  if (::syncfs(dir_.get()) < 0) return Error::from_errno(errno, "syncfs");
  auto lock = TRY(open_dir(dir_.get(), "."));
  while (::flock(lock.get(), LOCK_EX) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "flock");
  auto index = read_file(dir_.get(), kIndexFile);
  if (!index && index.error().code() != ErrorCode::NotFound) return std::move(index).error();
  auto text = TRY(add_to_index(index ? *index : "", root, name_).context("{}", kIndexFile));
  return write_file_atomic(dir_.get(), kIndexFile, text, 0644, /*sync=*/true);
}

Result<std::string> add_to_index(std::string_view index, const Document& root,
                                 const std::string& name) {
  Json json = Json::object({{"schemaVersion", 2}});
  if (!index.empty()) json = TRY(Json::parse(index));
  if (!json.is_object() || !(json["manifests"].is_null() || json["manifests"].is_array()))
    return Error(ErrorCode::Corrupt, "not a list of manifests");
  Json::Array entries;
  for (const auto& entry : json["manifests"].as_array()) {
    const auto& old = entry["annotations"][kRefName].as_string();
    bool same = old.empty() && entry["digest"].as_string() == root.digest.str();
    if (same || (!name.empty() && old == name)) continue;
    entries.push_back(entry);
  }
  Json added = Json::object({{"mediaType", root.media_type},
                             {"digest", root.digest.str()},
                             {"size", static_cast<std::int64_t>(root.bytes.size())}});
  if (!name.empty()) added.set("annotations", Json::object({{std::string(kRefName), name}}));
  entries.push_back(std::move(added));
  json.set("manifests", Json::array(std::move(entries)));
  return json.dump();
}

}  // namespace strata::copy

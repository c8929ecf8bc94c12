#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "base/file_lock.h"
#include "base/io.h"
#include "base/random_id.h"
#include "compress/compressor.h"
#include "digest/hasher.h"
#include "image/json.h"
#include "store/layer_reader.h"
#include "transfer/detail/reporter.h"
#include "transfer/detail/unpack_layer.h"
#include "transfer/shared_steps.h"

namespace strata::transfer {
namespace {

constexpr const char* kIndex = "index.json";
constexpr const char* kLayout = "oci-layout";
constexpr const char* kBlobs = "blobs/sha256";
constexpr const char* kName = "org.opencontainers.image.ref.name";
constexpr std::size_t kMostIndex = std::size_t{64} << 20;  // bytes

std::string blob_path(const Digest& digest) { return std::string(kBlobs) + '/' + digest.hex(); }

/// Reads a file and, at its end, compares its digest.
class VerifiedFile final : public ByteSource {
 public:
  VerifiedFile(UniqueFd fd, const Digest& digest)
      : fd_(std::move(fd)), file_(fd_.get()), digest_(digest) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    auto n = TRY(file_.read(buffer));
    if (n > 0) {
      hasher_.update(buffer.data(), n);
    } else if (!buffer.empty() && !done_) {
      done_ = true;
      if (auto found = hasher_.finish(); found != digest_)
        return Error(ErrorCode::Corrupt,
                     fmt::format("expected digest {}, got {}", digest_.str(), found.str()));
    }
    return n;
  }

 private:
  UniqueFd fd_;
  FdSource file_;
  Digest digest_;
  Hasher hasher_;
  bool done_ = false;
};

/// The digests of the manifests, by key.
using Entries = std::map<std::string, Json>;

/// An index that is not there is empty.
Result<Entries> read_index(int dir) {
  Entries entries;
  auto text = read_file(dir, kIndex, kMostIndex);
  if (!text && text.error().code() == ErrorCode::NotFound) return entries;
  if (!text) return std::move(text).error();
  auto json = TRY(Json::parse(*text).context("{}", kIndex));
  for (const auto& manifest : json["manifests"].as_array()) {
    const auto& name = manifest["annotations"][kName].as_string();
    if (!name.empty()) entries[name] = manifest;
  }
  return entries;
}

Result<std::optional<StepEntry>> read_entry(int dir, const Entries& entries,
                                            const std::string& key) {
  auto known = entries.find(key);
  if (known == entries.end()) return std::optional<StepEntry>();
  auto digest = TRY(Digest::parse(known->second["digest"].as_string()));
  auto text = TRY(read_file(dir, blob_path(digest), registry::kMaxDocument));
  if (sha256(text) != digest)
    return Error(ErrorCode::Corrupt,
                 blob_path(digest) + ": it does not have the digest of its name");
  return std::optional(TRY(parse_step(text, key).context("step {}", key)));
}

class DirectorySteps final : public SharedSteps {
 public:
  DirectorySteps(UniqueFd dir, Entries entries)
      : dir_(std::move(dir)), entries_(std::move(entries)) {}

  Result<std::optional<StepEntry>> find(const std::string& key) override {
    return read_entry(dir_.get(), entries_, key);
  }

  Result<void> fetch(const Store& store, const StepEntry& entry,
                     const std::optional<ChainID>& parent, const Fetch& options) override {
    auto chain = chain_id(parent, *entry.layer);
    TRY(store.hold(chain));
    auto path = blob_path(entry.blob->digest);
    auto fd = TRY(open_at(dir_.get(), path, O_RDONLY | O_NOFOLLOW));
    VerifiedFile blob(std::move(fd), entry.blob->digest);
    auto writer = detail::unpack_layer(
        store, blob, *entry.layer,
        {detail::short_name(entry.blob->digest), parent, options.max_layer_size, nullptr});
    auto layer = TRY(std::move(writer).context("{}", path));
    TRY(layer.publish(parent));
    return {};
  }

 private:
  const UniqueFd dir_;
  const Entries entries_;
};

/// What an export writes.
class DirectoryExport {
 public:
  DirectoryExport(const Store& store, int dir, Compression compression, const std::stop_token& stop)
      : store_(store), dir_(dir), compression_(compression), stop_(stop) {}

  Result<void> add(const ExportedStep& step) {
    StepEntry entry;
    entry.key = step.key;
    if (step.layer) {
      entry.layer = step.layer->diff_id;
      if (auto known = TRY(read_known(step.key)); known && known->layer == entry.layer) return {};
      entry.blob = TRY(put_layer(*step.layer));
    }
    auto document = encode_step(entry);
    TRY(put_blob(document.digest, document.bytes));
    entries_[step.key] = Json::object({{"mediaType", document.media_type},
                                       {"digest", document.digest.str()},
                                       {"size", static_cast<std::int64_t>(document.bytes.size())},
                                       {"annotations", Json::object({{kName, step.key}})}});
    return {};
  }

  Result<void> begin() {
    TRY(make_dirs(dir_, kBlobs, 0755));
    if (!stat_at(dir_, kLayout))
      TRY(write_file_atomic(dir_, kLayout, R"({"imageLayoutVersion":"1.0.0"})", 0644));
    entries_ = TRY(read_index(dir_));
    return put_blob(sha256(kEmptyConfig), kEmptyConfig);
  }

  Result<void> finish() {
    Json::Array manifests;
    for (const auto& [key, entry] : entries_) manifests.push_back(entry);
    auto index = Json::object({{"schemaVersion", 2},
                               {"mediaType", registry::kOciIndex},
                               {"manifests", Json::array(std::move(manifests))}});
    return write_file_atomic(dir_, kIndex, index.dump(), 0644);
  }

 private:
  /// One that cannot be read is written anew.
  Result<std::optional<StepEntry>> read_known(const std::string& key) const {
    auto known = read_entry(dir_, entries_, key);
    if (!known) return std::optional<StepEntry>();
    if (*known && (*known)->blob && !stat_at(dir_, blob_path((*known)->blob->digest)))
      return std::optional<StepEntry>();
    return known;
  }

  Result<void> put_blob(const Digest& digest, std::string_view bytes) const {
    if (stat_at(dir_, blob_path(digest))) return {};
    auto blobs = TRY(open_dir(dir_, kBlobs));
    return write_file_atomic(blobs.get(), digest.hex(), bytes, 0644);
  }

  Result<registry::Descriptor> put_layer(const LayerInfo& layer) const {
    auto blobs = TRY(open_dir(dir_, kBlobs));
    auto name = "new-" + random_hex(16);
    auto file = TRY(open_at(blobs.get(), name, O_WRONLY | O_CREAT | O_EXCL, 0644));
    registry::Descriptor blob;
    auto written = write_layer(layer, file.get(), blob);
    if (written &&
        ::renameat(blobs.get(), name.c_str(), blobs.get(), blob.digest.hex().c_str()) < 0)
      written = Error::from_errno(errno, "rename a blob");
    if (!written) ::unlinkat(blobs.get(), name.c_str(), 0);
    TRY(std::move(written));
    return blob;
  }

  Result<void> write_layer(const LayerInfo& layer, int file, registry::Descriptor& blob) const {
    Hasher hasher;
    auto compressor = make_compressor(compression_, [&](std::string_view bytes) -> Result<void> {
      hasher.update(bytes);
      blob.size += static_cast<std::int64_t>(bytes.size());
      return write_all(file, bytes);
    });
    TRY(read_layer(store_, layer, [&](std::string_view bytes) -> Result<void> {
      if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
      return compressor->write(bytes);
    }));
    TRY(compressor->finish());
    blob.digest = hasher.finish();
    blob.media_type = layer_media_type(true, compression_);
    return {};
  }

  const Store& store_;
  const int dir_;
  const Compression compression_;
  const std::stop_token& stop_;
  Entries entries_;
};

}  // namespace

Result<std::unique_ptr<SharedSteps>> steps_in_directory(const std::string& path) {
  auto dir = TRY(open_dir(AT_FDCWD, path));
  auto entries = TRY(read_index(dir.get()));
  return std::unique_ptr<SharedSteps>(
      std::make_unique<DirectorySteps>(std::move(dir), std::move(entries)));
}

Result<void> export_to_directory(const Store& store, const std::string& path,
                                 Compression compression, const std::vector<ExportedStep>& steps,
                                 const std::stop_token& stop) {
  TRY(make_dirs(AT_FDCWD, path, 0755));
  auto dir = TRY(open_dir(AT_FDCWD, path));
  auto lock = TRY(FileLock::acquire(dir.get(), ".lock", FileLock::Mode::Exclusive));
  DirectoryExport out(store, dir.get(), compression, stop);
  TRY(out.begin());
  for (const auto& step : steps) TRY(out.add(step));
  return out.finish();
}

}  // namespace strata::transfer

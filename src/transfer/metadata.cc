#include "transfer/metadata.h"

#include <algorithm>

#include "base/file_lock.h"
#include "base/io.h"
#include "image/json.h"

namespace strata::transfer {
namespace {

constexpr const char* kDistribution = "image/overlay2/distribution";
constexpr std::size_t kMostBlobs = 50;  // of one layer, as dockerd
constexpr std::size_t kMaxFile = std::size_t{1} << 20;

constexpr std::size_t kMaxManifest = registry::kMaxDocument + 1024;
const std::string kForms = "forms/";
const std::string kManifests = "manifests/";

/// Writes a file below ROOT/strata.
Result<void> put_own(const Store& store, const std::string& directory, const std::string& name,
                     std::string_view bytes) {
  TRY(make_dirs(store.own_dir(), directory.substr(0, directory.size() - 1), 0700));
  auto dir = TRY(open_dir(store.own_dir(), directory.substr(0, directory.size() - 1)));
  return write_file_atomic(dir.get(), name, bytes, 0600);
}

std::string blobs_file(DiffID layer) {
  return fmt::format("{}/v2metadata-by-diffid/sha256/{}", kDistribution, layer.digest().hex());
}

std::string layer_file(const Digest& blob) {
  return fmt::format("{}/diffid-by-digest/sha256/{}", kDistribution, blob.hex());
}

/// Replaces a file in a directory that is made if it is not there.
Result<void> replace(int root, const std::string& path, std::string_view bytes) {
  auto slash = path.rfind('/');
  auto dir = open_dir(root, path.substr(0, slash));
  if (!dir) {
    TRY(make_dirs(root, kDistribution, 0700));
    TRY(make_dirs(root, path.substr(0, slash), 0755));
    dir = open_dir(root, path.substr(0, slash));
  }
  auto parent = TRY(std::move(dir));
  return write_file_atomic(parent.get(), path.substr(slash + 1), bytes, 0644);
}

std::string text_of(const Digest& digest) {
  const auto& bytes = digest.bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::vector<KnownBlob> known_blobs(const Store& store, DiffID layer) {
  std::vector<KnownBlob> known;
  auto text = read_file(store.dir(), blobs_file(layer), kMaxFile);
  if (!text) return known;
  auto json = Json::parse(*text);
  if (!json) return known;
  for (const auto& entry : json->as_array()) {
    auto digest = Digest::parse(entry["Digest"].as_string());
    if (!digest) continue;
    known.push_back({*digest, entry["SourceRepository"].as_string(), entry["HMAC"].as_string()});
  }
  return known;
}

std::optional<DiffID> diff_id_of_blob(const Store& store, const Digest& blob) {
  auto text = read_file(store.dir(), layer_file(blob), kMaxFile);
  if (!text) return std::nullopt;
  auto digest = Digest::parse(*text);
  if (!digest) return std::nullopt;
  return DiffID(*digest);
}

Result<void> remember_blob(const Store& store, DiffID layer, const KnownBlob& blob) {
  auto lock =
      TRY(FileLock::acquire(store.own_dir(), "distribution.lock", FileLock::Mode::Exclusive));
  auto known = known_blobs(store, layer);
  if (known.empty() || known.back() != blob) {
    std::erase(known, blob);
    known.push_back(blob);
    if (known.size() > kMostBlobs) known.erase(known.begin(), known.end() - kMostBlobs);
    Json::Array entries;
    for (const auto& entry : known)
      entries.push_back(Json::object({{"Digest", entry.digest.str()},
                                      {"SourceRepository", entry.repository},
                                      {"HMAC", entry.hmac}}));
    TRY(replace(store.dir(), blobs_file(layer), Json::array(std::move(entries)).dump()));
  }
  if (diff_id_of_blob(store, blob.digest) == layer) return {};
  return replace(store.dir(), layer_file(blob.digest), layer.str());
}

Compression form_of_blob(const Store& store, const Digest& blob) {
  auto text = read_file(store.own_dir(), kForms + blob.hex(), kMaxFile);
  return (text ? parse_compression(*text) : std::nullopt).value_or(Compression::Gzip);
}

void remember_form(const Store& store, const Digest& blob, Compression form) {
  if (form == form_of_blob(store, blob)) return;
  (void)put_own(store, kForms, blob.hex(),
                form == Compression::Zstd   ? "zstd"
                : form == Compression::Gzip ? "gzip"
                                            : "uncompressed");
}

std::optional<registry::Document> kept_manifest(const Store& store, ImageID image) {
  auto text = read_file(store.own_dir(), kManifests + image.digest().hex(), kMaxManifest);
  if (!text) return std::nullopt;
  auto end = text->find('\n');
  if (end == std::string::npos) return std::nullopt;
  registry::Document document;
  document.media_type = text->substr(0, end);
  document.bytes = text->substr(end + 1);
  document.digest = sha256(document.bytes);
  return document;
}

void keep_manifest(const Store& store, ImageID image, const registry::Document& document) {
  (void)put_own(store, kManifests, image.digest().hex(),
                document.media_type + '\n' + document.bytes);
}

std::string blob_hmac(const std::string& auth_config_json, const Digest& blob,
                      const std::string& repository) {
  constexpr std::size_t kBlock = 64;  // bytes, of SHA-256
  std::string key = sha256(auth_config_json).str();
  if (key.size() > kBlock) key = text_of(sha256(key));
  key.resize(kBlock, '\0');
  std::string inner = key;
  std::string outer = key;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return sha256(outer + text_of(sha256(inner + blob.str() + repository))).hex();
}

}  // namespace strata::transfer

#include "archive/save.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/io.h"
#include "store/layer_reader.h"
#include "tar/writer.h"

namespace strata::archive {
namespace {

constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar";

/// A file of the archive: a text, or the tar of a layer.
struct File {
  std::string name;
  std::string text;
  std::optional<LayerInfo> layer;
  std::int64_t size = 0;  // bytes
};

struct SavedLayer {
  LayerInfo info;
  std::int64_t size = 0;  // bytes of its tar
};

Json descriptor(const char* type, const std::string& digest, std::int64_t size) {
  return Json::object({{"mediaType", type}, {"digest", digest}, {"size", size}});
}

std::string manifest_text(const Image& image, const Json::Array& layers) {
  auto config =
      descriptor(kConfigType, image.id.str(), static_cast<std::int64_t>(image.bytes.size()));
  return Json::object({{"schemaVersion", 2},
                       {"mediaType", kManifestType},
                       {"config", std::move(config)},
                       {"layers", layers}})
      .dump();
}

std::string blob_path(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

/// All files of an archive. Texts come first: who reads a stream knows what the layers are for.
class Contents {
 public:
  Contents(const Store& store, const SaveOptions& options) : store_(store), form_(options.form) {
    left_out_ = options.left_out;
  }

  Result<std::vector<File>> describe(const std::vector<SavedImage>& images) {
    for (const auto& image : images) TRY(add(image, images).context("{}", image.image.id.str()));
    std::vector<File> files;
    auto text = [&](std::string name, std::string bytes) {
      auto size = static_cast<std::int64_t>(bytes.size());
      files.push_back({std::move(name), std::move(bytes), std::nullopt, size});
    };
    if (form_ != Form::DockerArchive) {
      text("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
      text("index.json", Json::object({{"schemaVersion", 2},
                                       {"mediaType", kIndexType},
                                       {"manifests", Json::array(std::move(index_))}})
                             .dump());
    }
    if (form_ != Form::Oci) {
      text("manifest.json", Json::array(std::move(manifest_)).dump() + '\n');
      if (!repositories_.empty()) text("repositories", repositories_json().dump() + '\n');
    }
    for (auto& [name, bytes] : texts_) text(name, std::move(bytes));
    for (const auto& [id, layer] : layers_) {
      if (left_out_.contains(layer.info.chain_id)) continue;
      files.push_back({layer_path(id), "", layer.info, layer.size});
    }
    return files;
  }

 private:
  std::string layer_path(DiffID id) const {
    return form_ == Form::DockerArchive ? id.digest().hex() + "/layer.tar" : blob_path(id.digest());
  }

  std::string config_path(ImageID id) const {
    return form_ == Form::DockerArchive ? id.digest().hex() + ".json" : blob_path(id.digest());
  }

  Result<void> add(const SavedImage& saved, const std::vector<SavedImage>& all) {
    Json::Array layers;
    std::vector<std::string> paths;
    for (const auto& info : TRY(store_.layers().stack(saved.image.config.diff_ids))) {
      auto size = TRY(add_layer(info));
      layers.push_back(descriptor(kLayerType, info.diff_id.str(), size));
      paths.push_back(layer_path(info.diff_id));
    }
    texts_.insert_or_assign(config_path(saved.image.id), saved.image.bytes);
    if (form_ != Form::DockerArchive) add_manifest(saved, layers);
    if (form_ != Form::Oci) add_item(saved, all, paths, layers);
    return {};
  }

  /// The size of its tar. A layer on several chains is there once, left out if it is on one.
  Result<std::int64_t> add_layer(const LayerInfo& info) {
    auto found = layers_.find(info.diff_id);
    if (found == layers_.end()) {
      SavedLayer layer{info, TRY(layer_tar_size(store_, info))};
      found = layers_.emplace(info.diff_id, std::move(layer)).first;
    } else if (left_out_.contains(found->second.info.chain_id)) {
      found->second.info = info;  // the reader may not have it on this chain
    }
    return found->second.size;
  }

  void add_manifest(const SavedImage& saved, const Json::Array& layers) {
    auto text = manifest_text(saved.image, layers);
    auto digest = sha256(text);
    auto entry = descriptor(kManifestType, digest.str(), static_cast<std::int64_t>(text.size()));
    texts_.insert_or_assign(blob_path(digest), std::move(text));
    if (saved.names.empty()) index_.push_back(entry);
    for (const auto& name : saved.names) {
      auto named = entry;
      // In a layout of its own the name stands once, where programs that edit layouts change it:
      // umoci gives a new image all annotations of the old one, but for this.
      named.set("annotations",
                form_ == Form::Oci
                    ? Json::object({{"org.opencontainers.image.ref.name", name.str()}})
                    : Json::object({{"io.containerd.image.name", name.str()},
                                    {"org.opencontainers.image.ref.name", name.tag}}));
      index_.push_back(std::move(named));
    }
  }

  void add_item(const SavedImage& saved, const std::vector<SavedImage>& all,
                const std::vector<std::string>& paths, const Json::Array& layers) {
    std::vector<std::string> tags;
    for (const auto& name : saved.names) tags.push_back(name.familiar());
    Json item = Json::object({{"Config", config_path(saved.image.id)},
                              {"RepoTags", tags.empty() ? Json() : Json::strings(tags)},
                              {"Layers", Json::strings(paths)}});
    auto parent = store_.images().parent(saved.image.id);
    bool included = std::any_of(all.begin(), all.end(), [&](const SavedImage& other) {
      return parent && other.image.id == *parent;
    });
    if (included) item.set("Parent", parent->str());
    if (form_ == Form::Docker) {
      std::map<std::string, Json> sources;
      for (const auto& layer : layers) sources.emplace(layer["digest"].as_string(), layer);
      Json::Object object(sources.begin(), sources.end());
      item.set("LayerSources", std::move(object));
    }
    manifest_.push_back(std::move(item));
    if (saved.image.config.diff_ids.empty()) return;
    for (const auto& name : saved.names)
      repositories_[name.familiar_name()][name.tag] =
          saved.image.config.diff_ids.back().digest().hex();
  }

  Json repositories_json() const {
    Json::Object all;
    for (const auto& [name, tags] : repositories_) {
      Json::Object object;
      for (const auto& [tag, layer] : tags) object.emplace_back(tag, layer);
      all.emplace_back(name, std::move(object));
    }
    return all;
  }

  const Store& store_;
  Form form_;
  std::set<ChainID> left_out_;
  std::map<DiffID, SavedLayer> layers_;
  std::map<std::string, std::string> texts_;  // configs and manifests, by path
  Json::Array index_;
  Json::Array manifest_;
  std::map<std::string, std::map<std::string, std::string>> repositories_;
};

/// The tar of a layer goes to `sink`, watched.
Result<void> copy_layer(const Store& store, const File& file, const SaveOptions& options,
                        std::int64_t& bytes, const ByteSink& sink) {
  std::int64_t left = file.size;
  TRY(read_layer(store, *file.layer, [&](std::string_view piece) -> Result<void> {
    if (options.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    left -= static_cast<std::int64_t>(piece.size());
    bytes += static_cast<std::int64_t>(piece.size());
    if (options.progress) options.progress(bytes);
    return sink(piece);
  }));
  if (left != 0)
    return Error(ErrorCode::Corrupt,
                 fmt::format("layer {}: its tar has another size", file.layer->chain_id.str()));
  return {};
}

Result<void> write_member(const tar::Entry& entry, const ByteSink& sink) {
  std::string header;
  TRY(tar::append_header(header, entry));
  return sink(header);
}

/// The directories above `name` that are not in `made` yet, outermost first.
std::vector<std::string> new_parents(const std::string& name, std::set<std::string>& made) {
  std::vector<std::string> parents;
  for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
    if (made.insert(name.substr(0, slash)).second) parents.push_back(name.substr(0, slash));
  return parents;
}

}  // namespace

Result<std::string> image_manifest(const Store& store, const Image& image) {
  Json::Array layers;
  for (const auto& info : TRY(store.layers().stack(image.config.diff_ids)))
    layers.push_back(descriptor(kLayerType, info.diff_id.str(), TRY(layer_tar_size(store, info))));
  return manifest_text(image, layers);
}

Result<void> save_tar(const Store& store, const std::vector<SavedImage>& images,
                      const SaveOptions& options, const ByteSink& sink) {
  auto files = TRY(Contents(store, options).describe(images));
  std::set<std::string> directories;
  std::int64_t bytes = 0;
  for (const auto& file : files) {
    tar::Entry entry;
    for (const auto& parent : new_parents(file.name, directories)) {
      entry.name = parent + '/';
      entry.type = tar::EntryType::Directory;
      entry.mode = 0755;
      TRY(write_member(entry, sink));
    }
    entry.name = file.name;
    entry.type = tar::EntryType::Regular;
    entry.mode = 0644;
    entry.size = file.size;
    TRY(write_member(entry, sink));
    if (file.layer)
      TRY(copy_layer(store, file, options, bytes, sink));
    else
      TRY(sink(file.text));
    TRY(sink(tar::padding(file.size)));
  }
  return sink(tar::end_marker());
}

Result<void> save_directory(const Store& store, const std::vector<SavedImage>& images,
                            const SaveOptions& options, int dir) {
  auto files = TRY(Contents(store, options).describe(images));
  TRY(make_dirs(dir, "blobs/sha256", 0755));
  std::int64_t bytes = 0;
  for (const auto& file : files) {
    if (!file.layer) {
      TRY(write_file(dir, file.name, file.text, 0644));
      continue;
    }
    auto out = TRY(open_at(dir, file.name, O_WRONLY | O_CREAT | O_EXCL, 0644));
    auto written = [&](std::string_view piece) { return write_all(out.get(), piece); };
    TRY(copy_layer(store, file, options, bytes, written));
  }
  return {};
}

}  // namespace strata::archive

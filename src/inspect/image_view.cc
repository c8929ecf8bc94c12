#include "inspect/image_view.h"

#include "base/io.h"
#include "store/image_notes.h"

namespace strata {
namespace {

/// Tags in one list, digests in the other.
Result<std::pair<Json, Json>> names(const Store& store, ImageID id) {
  std::vector<std::string> tags;
  std::vector<std::string> digests;
  for (const auto& name : TRY(store.references().names_of(id)))
    (name.find('@') == std::string::npos ? tags : digests).push_back(name);
  return std::pair(Json::strings(tags), Json::strings(digests));
}

/// The directory names behind `l/<link>` entries.
Result<std::string> lower_directories(const Store& store, const std::string& cache_id) {
  std::string out;
  auto stack = TRY(store.caches().stack(cache_id));
  for (std::size_t i = 1; i < stack.size(); i++) {
    auto target = TRY(read_link_at(store.caches().dir(), stack[i]));
    if (!target.starts_with("../"))
      return Error(ErrorCode::Corrupt, fmt::format("{} leads to {}", stack[i], target));
    if (!out.empty()) out += ':';
    out += store.path() + "/overlay2/" + target.substr(3);
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> ImageSizes::known(const ChainID& chain) {
  std::lock_guard guard(mutex_);
  auto found = up_to_.find(chain.digest());
  if (found == up_to_.end()) return std::nullopt;
  return found->second;
}

Result<std::int64_t> ImageSizes::of(const ImageConfig& config) {
  std::int64_t total = 0;
  for (const auto& chain : chain_ids(config.diff_ids)) {
    if (auto size = known(chain)) {
      total = *size;
      continue;
    }
    total += TRY(store_.layers().size(chain));
    std::lock_guard guard(mutex_);
    up_to_.emplace(chain.digest(), total);
  }
  return total;
}

Result<Json> graph_driver(const Store& store, const std::string& cache_id) {
  std::string base = store.path() + "/overlay2/" + cache_id;
  Json data = Json::object();
  auto lower = TRY(lower_directories(store, cache_id));
  if (!lower.empty()) data.set("LowerDir", lower);
  data.set("MergedDir", base + "/merged");
  data.set("UpperDir", base + "/diff");
  data.set("WorkDir", base + "/work");
  return Json::object({{"Data", std::move(data)}, {"Name", "overlay2"}});
}

Result<Json> image_view(const Store& store, const Image& image) {
  const ImageConfig& config = image.config;
  auto [tags, digests] = TRY(names(store, image.id));
  auto parent = store.images().parent(image.id);
  auto stack = TRY(store.layers().stack(config.diff_ids));
  std::int64_t size = 0;
  std::vector<std::string> diff_ids;
  for (const auto& layer : stack) {
    size += layer.size;
    diff_ids.push_back(layer.diff_id.str());
  }
  Json driver = Json::object({{"Data", nullptr}, {"Name", "overlay2"}});
  if (!stack.empty()) driver = TRY(graph_driver(store, stack.back().cache_id));
  Json rootfs = Json::object({{"Type", "layers"}});
  if (!diff_ids.empty()) rootfs.set("Layers", Json::strings(diff_ids));

  Json view = Json::object();
  view.set("Id", image.id.str());
  view.set("RepoTags", std::move(tags));
  view.set("RepoDigests", std::move(digests));
  view.set("Parent", parent ? parent->str() : "");
  view.set("Comment", config.history.empty() ? config.comment : config.history.back().comment);
  view.set("Created", config.created.str());
  view.set("Container", config.container);
  view.set("ContainerConfig", run_config_json(config.container_config.value_or(RunConfig())));
  view.set("DockerVersion", config.docker_version);
  view.set("Author", config.author);
  view.set("Config", run_config_json(config.config));
  view.set("Architecture", config.architecture);
  if (!config.variant.empty()) view.set("Variant", config.variant);
  view.set("Os", config.os);
  if (!config.os_version.empty()) view.set("OsVersion", config.os_version);
  view.set("Size", size);
  view.set("VirtualSize", size);
  view.set("GraphDriver", std::move(driver));
  view.set("RootFS", std::move(rootfs));
  auto tagged = store.images().last_updated(image.id).value_or(kZeroTime);
  auto metadata = Json::object({{"LastTagTime", tagged.str()}});
  if (ImageNotes(store.own_dir()).is_pinned(image.id)) metadata.set("Pinned", true);
  view.set("Metadata", std::move(metadata));
  return view;
}

}  // namespace strata

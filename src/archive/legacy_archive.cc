#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "archive/detail/forms.h"
#include "base/text.h"
#include "compress/detect.h"
#include "digest/hasher.h"
#include "store/layer_db.h"

// The form before docker 1.10: a directory for each layer with its `json` (which names the parent)
// and its `layer.tar`, and `repositories` with the names. An image config is made of it as dockerd
// does (moby v20.10.24, image/v1/imagev1.go), so that both give the image the same ID.

namespace strata::archive::detail {
namespace {

constexpr const char* kRepositories = "repositories";
constexpr std::string_view kConfigSuffix = "/json";

/// Go's versions.LessThan: the numbers between the dots, what is no number counts 0.
bool version_less(std::string_view a, std::string_view b) {
  auto numbers = [](std::string_view text) {
    std::vector<int> out;
    for (auto part : split(text, '.')) {
      int n = 0;
      auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), n);
      out.push_back(error == std::errc() && end == part.data() + part.size() ? n : 0);
    }
    return out;
  };
  auto x = numbers(a);
  auto y = numbers(b);
  x.resize(std::max(x.size(), y.size()));
  y.resize(x.size());
  return x < y;
}

/// What dockerd keeps of the config of a docker before 1.8.3.
Result<Json> old_config(const Json& v1) {
  auto created = v1["created"].is_null() ? kZeroTime : TRY(Time::parse(v1["created"].as_string()));
  Json out = Json::object({{"created", created.str()}});
  for (auto key :
       {"comment", "container", "docker_version", "author", "architecture", "variant", "os"})
    if (const auto& text = v1[key].as_string(); !text.empty()) out.set(key, text);
  auto container = TRY(run_config_from_json(v1["container_config"]));
  out.set("container_config", run_config_json(container));
  if (v1["config"].is_object()) {
    auto config = TRY(run_config_from_json(v1["config"]));
    out.set("config", run_config_json(config));
  }
  return out;
}

Result<Json> history_entry(const Json& v1) {
  auto created = v1["created"].is_null() ? kZeroTime : TRY(Time::parse(v1["created"].as_string()));
  Json out = Json::object({{"created", created.str()}});
  if (const auto& author = v1["author"].as_string(); !author.empty()) out.set("author", author);
  auto by = join(v1["container_config"]["Cmd"].as_strings(), " ");
  if (!by.empty()) out.set("created_by", by);
  if (const auto& text = v1["comment"].as_string(); !text.empty()) out.set("comment", text);
  return out;
}

/// An image of the chain: its config before it is text, and what is under it.
struct Level {
  ImageID id;
  std::size_t index = 0;  // among all images
  std::vector<ArchivedLayer> layers;
  Json::Array diff_ids;
  Json::Array history;
};

Result<std::string> image_config(const Json& v1, const Level& level) {
  auto config = v1;
  if (version_less(v1["docker_version"].as_string(), "1.8.3")) config = TRY(old_config(v1));
  std::map<std::string, Json> members;  // sorted, of duplicates the last: a Go map
  for (const auto& [key, value] : config.as_object()) members.insert_or_assign(key, value);
  for (auto key : {"id", "parent", "Size", "parent_id", "layer_id", "throwaway"})
    members.erase(key);
  members.insert_or_assign("rootfs",
                           Json::object({{"type", "layers"}, {"diff_ids", level.diff_ids}}));
  members.insert_or_assign("history", Json(level.history));
  Json::Object object;
  for (auto& [key, value] : members) object.emplace_back(key, std::move(value));
  return Json(std::move(object)).dump();
}

Result<DiffID> diff_id_of(const Members& members, const std::string& name) {
  auto source = TRY(members.open(name));
  auto plain = TRY(decompress(*source).context("{}", name));
  Hasher hasher;
  std::vector<char> buffer(std::size_t{256} << 10);
  while (std::size_t n = TRY(plain->read(buffer).context("{}", name)))
    hasher.update(buffer.data(), n);
  return DiffID(hasher.finish());
}

class LegacyReader {
 public:
  explicit LegacyReader(const Members& members) : members_(members) {}

  Result<std::vector<ArchivedImage>> read() {
    for (const auto& name : TRY(members_.names())) {
      if (!name.ends_with(kConfigSuffix)) continue;
      auto old_id = name.substr(0, name.size() - kConfigSuffix.size());
      if (old_id.find('/') == std::string::npos) TRY(read_chain(old_id));
    }
    if (members_.contains(kRepositories)) TRY(read_names());
    return std::move(images_);
  }

 private:
  /// The image `old_id`, after all that it stands on.
  Result<void> read_chain(std::string old_id) {
    std::vector<std::pair<std::string, Json>> todo;  // top first
    std::set<std::string> seen;
    while (!old_id.empty() && !levels_.contains(old_id)) {
      if (!seen.insert(old_id).second)
        return Error(ErrorCode::Corrupt, old_id + "/json: the image is its own ancestor");
      if (seen.size() > LayerDB::kMaxDepth)
        return Error(ErrorCode::InvalidArgument, old_id + "/json: max depth exceeded");
      auto name = TRY(member_name(old_id, "json"));
      auto v1 = TRY(read_json(members_, name + "/json"));
      auto parent = v1["parent"].as_string();
      todo.emplace_back(std::move(old_id), std::move(v1));
      old_id = std::move(parent);
    }
    for (auto level = todo.rbegin(); level != todo.rend(); ++level)
      TRY(add(level->first, level->second).context("{}/json", level->first));
    return {};
  }

  Result<void> add(const std::string& old_id, const Json& v1) {
    Level level;
    std::optional<ImageID> parent;
    if (const auto& name = v1["parent"].as_string(); !name.empty()) {
      level = levels_.at(name);
      parent = level.id;
    }
    auto layer = old_id + "/layer.tar";
    level.layers.push_back({layer, std::nullopt});
    level.diff_ids.emplace_back(TRY(diff_id_of(members_, layer)).str());
    level.history.push_back(TRY(history_entry(v1)));
    auto config = TRY(image_config(v1, level));
    auto image = TRY(make_image(std::move(config), level.layers, old_id + "/json"));
    image.parent = parent;
    level.id = image.id;
    level.index = images_.size();
    TRY(account(total_, image));
    levels_.emplace(old_id, std::move(level));
    images_.push_back(std::move(image));
    return {};
  }

  Result<void> read_names() {
    auto repositories = TRY(read_json(members_, kRepositories));
    for (const auto& [name, tags] : repositories.as_object()) {
      for (const auto& [tag, old_id] : tags.as_object()) {
        auto level = levels_.find(old_id.as_string());
        if (level == levels_.end())
          return Error(ErrorCode::Corrupt,
                       fmt::format("{}: no such member: {}", kRepositories, old_id.as_string()));
        auto reference = Reference::parse_normalized(name + ':' + tag);
        if (!reference || reference->tag.empty() || !check_taggable(*reference))
          return Error(ErrorCode::Corrupt,
                       fmt::format("{}: invalid tag \"{}:{}\"", kRepositories, name, tag));
        auto image = std::find_if(images_.begin(), images_.end(),
                                  [&](const ArchivedImage& i) { return i.id == level->second.id; });
        image->names.push_back(*std::move(reference));
      }
    }
    return {};
  }

  const Members& members_;
  std::map<std::string, Level> levels_;
  std::vector<ArchivedImage> images_;
  std::size_t total_ = 0;
};

}  // namespace

Result<std::vector<ArchivedImage>> read_legacy_archive(const Members& members) {
  return LegacyReader(members).read();
}

}  // namespace strata::archive::detail

#include "transfer/step_entry.h"

#include <algorithm>

#include "base/text.h"
#include "image/json.h"
#include "image/platform.h"

namespace strata::transfer {
namespace {

constexpr std::string_view kFormat = "strata shared step 1";  // changes with the meaning of a key
constexpr const char* kArtifact = "application/vnd.strata.step.v1";
constexpr const char* kEmptyType = "application/vnd.oci.empty.v1+json";
constexpr std::string_view kUnchanged = "unchanged";
constexpr std::size_t kKeyDigits = 64;
constexpr std::size_t kMostInline = 10'000;  // steps of an image

Json describe(const registry::Descriptor& blob) {
  return Json::object(
      {{"mediaType", blob.media_type}, {"digest", blob.digest.str()}, {"size", blob.size}});
}

Json empty_descriptor() {
  return describe(
      {kEmptyType, sha256(kEmptyConfig), static_cast<std::int64_t>(kEmptyConfig.size())});
}

Result<registry::Descriptor> parse_layer(const Json& json) {
  registry::Descriptor blob;
  blob.media_type = json["mediaType"].as_string();
  blob.digest = TRY(Digest::parse(json["digest"].as_string()));
  blob.size = json["size"].as_int(-1);
  if (blob.size < 0) return Error(ErrorCode::Corrupt, "a layer without a size");
  return blob;
}

bool is_key(std::string_view text) {
  return text.size() == kKeyDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string shared_key(std::string_view key) {
  return sha256(fmt::format("{}\n{}\n{}", kFormat, host_platform().str(), key)).hex();
}

registry::Document encode_step(const StepEntry& entry) {
  Json layer = entry.blob ? describe(*entry.blob) : empty_descriptor();
  auto diff_id = entry.layer ? entry.layer->str() : std::string(kUnchanged);
  auto manifest = Json::object(
      {{"schemaVersion", 2},
       {"mediaType", registry::kOciManifest},
       {"artifactType", kArtifact},
       {"config", empty_descriptor()},
       {"layers", Json::array({std::move(layer)})},
       {"annotations", Json::object({{kStepKey, entry.key}, {kStepDiffID, std::move(diff_id)}})}});
  registry::Document document;
  document.bytes = manifest.dump();
  document.media_type = registry::kOciManifest;
  document.digest = sha256(document.bytes);
  return document;
}

Result<StepEntry> parse_step(std::string_view bytes, const std::string& key) {
  auto json = TRY(Json::parse(bytes));
  const auto& notes = json["annotations"];
  if (json["artifactType"].as_string() != kArtifact)
    return Error(ErrorCode::Corrupt, "it is no result of a step");
  if (notes[kStepKey].as_string() != key)
    return Error(ErrorCode::Corrupt, "it is the result of another step");
  StepEntry entry;
  entry.key = key;
  const auto& diff_id = notes[kStepDiffID].as_string();
  if (diff_id == kUnchanged) return entry;
  entry.layer = DiffID(TRY(Digest::parse(diff_id)));
  const auto& layers = json["layers"].as_array();
  if (layers.size() != 1) return Error(ErrorCode::Corrupt, "it does not have one layer");
  entry.blob = TRY(parse_layer(layers[0]));
  return entry;
}

std::vector<StepEntry> parse_inline_steps(std::string_view manifest) {
  std::vector<StepEntry> entries;
  auto json = Json::parse(manifest);
  if (!json) return entries;
  for (const auto& layer : (*json)["layers"].as_array()) {
    const auto& notes = layer["annotations"];
    auto diff_id = Digest::parse(notes[kStepDiffID].as_string());
    auto blob = parse_layer(layer);
    if (!diff_id || !blob || !is_key(notes[kStepKey].as_string())) continue;
    entries.push_back({notes[kStepKey].as_string(), DiffID(*diff_id), *std::move(blob)});
  }
  for (auto key : split((*json)["annotations"][kStepsUnchanged].as_string(), ','))
    if (is_key(key) && entries.size() < kMostInline)
      entries.push_back({std::string(key), std::nullopt, std::nullopt});
  return entries;
}

Result<registry::Document> with_inline_steps(const registry::Document& manifest,
                                             const std::vector<InlineStep>& steps) {
  auto json = TRY(Json::parse(manifest.bytes));
  auto layers = json["layers"].as_array();
  std::string unchanged;
  for (const auto& step : steps) {
    if (!step.layer) {
      unchanged += (unchanged.empty() ? "" : ",") + step.key;
      continue;
    }
    Json notes = layers.at(*step.layer)["annotations"];
    notes.set(kStepKey, step.key);
    notes.set(kStepDiffID, step.diff_id ? step.diff_id->str() : "");
    layers[*step.layer].set("annotations", std::move(notes));
  }
  json.set("layers", std::move(layers));
  if (!unchanged.empty()) {
    Json notes = json["annotations"];
    notes.set(kStepsUnchanged, std::move(unchanged));
    json.set("annotations", std::move(notes));
  }
  registry::Document document;
  document.bytes = json.dump_indented("   ");
  document.media_type = manifest.media_type;
  document.digest = sha256(document.bytes);
  return document;
}

}  // namespace strata::transfer

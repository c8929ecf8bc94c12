#include "engine/shared_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "base/text.h"
#include "compress/compressor.h"
#include "engine/build_output.h"
#include "engine/repositories.h"

namespace strata {
namespace {

using build::StepRecord;
using transfer::ExportedStep;
using transfer::SharedSteps;

using CacheOptions = std::map<std::string, std::string>;

Error bad_cache(std::string text) { return Error(ErrorCode::InvalidArgument, std::move(text)); }

/// "type=registry,ref=x", read.
Result<CacheOptions> cache_options(std::string_view text) {
  CacheOptions options;
  for (const auto& field : TRY(csv_fields(text))) {
    auto equals = field.find('=');
    if (equals == std::string::npos) return bad_cache("invalid value " + field);
    options[field.substr(0, equals)] = field.substr(equals + 1);
  }
  if (options["type"].empty())
    return bad_cache(fmt::format("type required form> \"{}\"", text));  // buildx's words
  return options;
}

Result<Reference> cache_reference(const CacheOptions& options, const char* what) {
  auto ref = options.find("ref");
  if (ref == options.end() || ref->second.empty())
    return bad_cache(fmt::format("registry cache {} requires ref", what));
  auto reference = TRY(Reference::parse_normalized(ref->second)).with_default_tag();
  if (reference.digest) return bad_cache(fmt::format("{}: a cache has a tag", ref->second));
  if (reference.tag.size() > transfer::kMostStepTag)
    return bad_cache(fmt::format("{}: the tag of a cache has at most {} characters", ref->second,
                                 transfer::kMostStepTag));
  return reference;
}

Result<std::string> cache_directory(const CacheOptions& options, const char* key,
                                    const char* what) {
  auto value = options.find(key);
  if (value == options.end() || value->second.empty())
    return bad_cache(fmt::format("local cache {} requires {}", what, key));
  return value->second;
}

Result<void> know_options(const CacheOptions& options, const std::set<std::string_view>& known) {
  for (const auto& [key, value] : options)
    if (!known.contains(key))
      return Error(ErrorCode::Unsupported,
                   fmt::format("cache option {}={} is not supported", key, value));
  return {};
}

std::string shown_cache(const CacheSource& source) {
  return source.type == CacheSource::Type::Registry ? source.reference.familiar()
                                                    : source.directory;
}

std::string shown_cache(const CacheTarget& target) {
  return target.type == CacheTarget::Type::Registry ? target.reference.familiar()
                                                    : target.directory;
}

void warn(progress::Report& report, const std::string& text) {
  report.tell(progress::Note{{}, fmt::format("[Warning] {}\n", text), true});
}

}  // namespace

Result<CacheSource> parse_cache_source(std::string_view text) {
  CacheSource source;
  if (!text.starts_with("type=")) {
    for (auto name : split(text, ','))
      if (!name.empty()) source.images.emplace_back(name);
    return source;
  }
  auto options = TRY(cache_options(text));
  const auto& type = options["type"];
  if (type == "image") {
    TRY(know_options(options, {"type", "ref"}));
    if (options["ref"].empty()) return bad_cache("image cache importer requires ref");
    source.images.push_back(options["ref"]);
  } else if (type == "registry") {
    TRY(know_options(options, {"type", "ref"}));
    source.type = CacheSource::Type::Registry;
    source.reference = TRY(cache_reference(options, "importer"));
  } else if (type == "local") {
    TRY(know_options(options, {"type", "src", "tag"}));
    source.type = CacheSource::Type::Directory;
    source.directory = TRY(cache_directory(options, "src", "importer"));
  } else {
    return Error(
        ErrorCode::Unsupported,
        fmt::format("unknown cache importer: \"{}\": must be registry, local or image", type));
  }
  return source;
}

Result<CacheTarget> parse_cache_target(std::string_view text) {
  CacheTarget target;
  auto options = text.find('=') == std::string_view::npos
                     ? CacheOptions{{"type", "registry"}, {"ref", std::string(text)}}
                     : TRY(cache_options(text));
  const auto& type = options["type"];
  if (type == "registry") {
    target.reference = TRY(cache_reference(options, "exporter"));
  } else if (type == "local") {
    target.type = CacheTarget::Type::Directory;
    target.directory = TRY(cache_directory(options, "dest", "exporter"));
  } else if (type == "inline") {
    target.type = CacheTarget::Type::Inline;
  } else {
    return Error(
        ErrorCode::Unsupported,
        fmt::format("unknown cache exporter: \"{}\": must be registry, local or inline", type));
  }
  TRY(know_options(options, {"type", "ref", "dest", "mode", "compression", "force-compression",
                             "oci-mediatypes", "image-manifest", "ignore-error", "tag"}));
  const auto& mode = options["mode"];
  if (!mode.empty() && mode != "min" && mode != "max")
    return bad_cache(fmt::format("invalid mode \"{}\": must be min or max", mode));
  target.all_stages = mode == "max";
  target.form.compression = options["compression"];
  target.form.force_compression = options["force-compression"] == "true";
  target.form.oci = true;
  TRY(check_push_form(target.form));
  return target;
}

struct SharedCaches::Cache {
  std::unique_ptr<SharedSteps> steps;
  std::string name;
  std::atomic<bool> failed = false;
};

SharedCaches::SharedCaches(const Store& store, const EngineOptions& engine,
                           const RegistryAccess& access, std::int64_t max_layer_size,
                           progress::Report& report)
    : store_(store),
      engine_(engine),
      access_(access),
      max_layer_size_(max_layer_size),
      report_(report) {}

SharedCaches::~SharedCaches() = default;

void SharedCaches::add(const CacheSource& source) {
  auto open = [&]() -> Result<std::unique_ptr<SharedSteps>> {
    if (source.type == CacheSource::Type::Directory)
      return transfer::steps_in_directory(source.directory);
    auto settings = TRY(registry_settings(access_));
    return transfer::steps_in_registry(
        registry::Repository(settings, source.reference, registry::Access::Pull, engine_.stop),
        source.reference);
  };
  auto cache = std::make_unique<Cache>();
  cache->name = shown_cache(source);
  auto steps = open();
  if (!steps) {
    warn(report_, fmt::format("cache {} is left out: {}", cache->name, steps.error().message()));
    return;
  }
  cache->steps = *std::move(steps);
  caches_.push_back(std::move(cache));
}

Result<std::optional<build::BuildRequest::FoundStep>> SharedCaches::look(
    Cache& cache, const std::string& key, const std::optional<ChainID>& parent,
    const std::stop_token& stop) {
  using Found = build::BuildRequest::FoundStep;
  auto entry = TRY(cache.steps->find(key));
  if (!entry) return std::optional<Found>();
  if (entry->layer) {
    auto chain = chain_id(parent, *entry->layer);
    TRY(store_.hold(chain));
    if (!store_.layers().contains(chain))
      TRY(cache.steps->fetch(store_, *entry, parent, {max_layer_size_, stop}));
  }
  return std::optional(Found{entry->layer});
}

std::optional<build::BuildRequest::FoundStep> SharedCaches::find(
    const std::string& key, const std::optional<ChainID>& parent, const std::stop_token& stop) {
  auto shared = transfer::shared_key(key);
  for (auto& cache : caches_) {
    if (cache->failed) continue;
    auto found = look(*cache, shared, parent, stop);
    if (found && *found) return *found;
    if (found || stop.stop_requested()) continue;
    if (!cache->failed.exchange(true))
      warn(report_, fmt::format("cache {} is left out: {}", cache->name, found.error().message()));
  }
  return std::nullopt;
}

// --- what is exported

std::vector<StepRecord> select_steps(const std::vector<StepRecord>& steps, const ImageConfig& image,
                                     bool all) {
  std::set<ChainID> own;
  for (const auto& chain : chain_ids(image.diff_ids)) own.insert(chain);
  auto is_own = [&](const StepRecord& step) {
    if (!step.layer) return !step.parent || own.contains(*step.parent);
    return own.contains(chain_id(step.parent, *step.layer));
  };
  std::vector<StepRecord> selected;
  std::set<std::string> keys;
  for (bool first : {true, false})
    for (const auto& step : steps)
      if (is_own(step) == first && (all || first) && keys.insert(step.key).second)
        selected.push_back(step);
  return selected;
}

std::vector<transfer::InlineStep> inline_steps(const std::vector<StepRecord>& steps,
                                               const ImageConfig& image) {
  auto chains = chain_ids(image.diff_ids);
  std::vector<transfer::InlineStep> out;
  for (const auto& step : select_steps(steps, image, false)) {
    transfer::InlineStep entry{transfer::shared_key(step.key), std::nullopt, step.layer};
    if (step.layer) {
      auto chain = chain_id(step.parent, *step.layer);
      entry.layer =
          static_cast<std::size_t>(std::find(chains.begin(), chains.end(), chain) - chains.begin());
    }
    out.push_back(std::move(entry));
  }
  return out;
}

namespace {

std::vector<ExportedStep> exported(const Store& store, const std::vector<StepRecord>& steps) {
  std::vector<ExportedStep> out;
  for (const auto& step : steps) {
    ExportedStep entry{transfer::shared_key(step.key), std::nullopt};
    if (step.layer) {
      auto layer = store.layers().get(chain_id(step.parent, *step.layer));
      if (!layer) continue;
      entry.layer = *std::move(layer);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Result<void> export_cache(const Store& store, const EngineOptions& engine,
                          const RegistryAccess& access, const CacheTarget& target,
                          const std::vector<ExportedStep>& steps) {
  if (target.type == CacheTarget::Type::Directory) {
    auto compression = parse_compression(target.form.compression).value_or(Compression::Gzip);
    return transfer::export_to_directory(store, target.directory, compression, steps, engine.stop);
  }
  auto settings = TRY(registry_settings(access));
  auto options = push_options(engine, settings, target.reference, target.form, {}).layers;
  options.oci = true;
  registry::Repository repository(settings, target.reference, registry::Access::Push, engine.stop);
  return transfer::export_to_registry(store, repository, target.reference, options, steps);
}

}  // namespace

void export_caches(const Store& store, const EngineOptions& engine, const RegistryAccess& access,
                   const std::vector<CacheTarget>& targets, const std::vector<StepRecord>& steps,
                   const ImageConfig& image, progress::Report& report) {
  for (const auto& target : targets) {
    if (target.type == CacheTarget::Type::Inline) continue;
    auto chosen = exported(store, select_steps(steps, image, target.all_stages));
    auto name = shown_cache(target);
    report.tell(progress::ActionStarted{"exporting cache to " + name});
    auto done = export_cache(store, engine, access, target, chosen);
    if (!done && !engine.stop.stop_requested())
      warn(report, fmt::format("cache {} was not written: {}", name, done.error().message()));
    report.tell(progress::ActionDone{});
  }
}

}  // namespace strata

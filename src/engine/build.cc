#include "engine/build.h"

#include <algorithm>

#include "base/text.h"
#include "build/build.h"
#include "engine/build_secrets.h"
#include "engine/container_options.h"
#include "engine/pull_into.h"
#include "image/reference.h"
#include "image/units.h"

namespace strata {
namespace {

Result<NetworkMode> parse_network(const std::string& text) {
  // "default" is the host's network until there are bridges.
  if (text.empty() || text == "default" || text == "host") return NetworkMode::Host;
  if (text == "none") return NetworkMode::None;
  return Error(ErrorCode::NotFound, fmt::format("network {} not found", text));
}

Result<build::RunOptions> run_options(const BuildImageRequest& r) {
  build::RunOptions o;
  if (!r.runtime.empty()) o.runtime = r.runtime;
  o.network = TRY(parse_network(r.network));
  o.extra_hosts = r.extra_hosts;
  if (!r.shm_size.empty()) o.shm_size = TRY(parse_ram_size(r.shm_size));
  if (!r.memory.empty()) o.limits.memory = TRY(parse_ram_size(r.memory));
  if (r.memory_swap == "-1")
    o.limits.memory_swap = -1;
  else if (!r.memory_swap.empty())
    o.limits.memory_swap = TRY(parse_ram_size(r.memory_swap));
  auto set = [](std::optional<std::int64_t>& to, std::int64_t value) {
    if (value != 0) to = value;
  };
  set(o.limits.cpu_shares, r.cpu_shares);
  set(o.limits.cpu_period, r.cpu_period);
  set(o.limits.cpu_quota, r.cpu_quota);
  o.limits.cpuset_cpus = r.cpuset_cpus;
  o.limits.cpuset_mems = r.cpuset_mems;
  for (const auto& text : r.ulimits) {
    auto limit = TRY(parse_ulimit(text));
    o.ulimits.push_back(std::move(limit));
  }
  return o;
}

/// The distinct names of -t, in order.
Result<std::vector<Reference>> parse_tags(const std::vector<std::string>& tags) {
  std::vector<Reference> out;
  for (const auto& text : tags) {
    auto reference = TRY(Reference::parse_normalized(text)).with_default_tag();
    if (reference.digest)
      return Error(ErrorCode::InvalidArgument, "build tag cannot contain a digest");
    TRY(check_taggable(reference));
    if (std::find(out.begin(), out.end(), reference) == out.end()) out.push_back(reference);
  }
  return out;
}

/// A value of --cache-from: names with commas between them as the classic builder takes them, or
/// one BuildKit source.
Result<void> add_cache_sources(std::string_view text, std::vector<std::string>& names) {
  if (!text.starts_with("type=")) {
    for (auto name : split(text, ','))
      if (!name.empty()) names.emplace_back(name);
    return {};
  }
  constexpr std::string_view kImage = "type=image,ref=";
  if (!text.starts_with(kImage))
    return Error(ErrorCode::Unsupported,
                 fmt::format("--cache-from {}: only images of the store are supported", text));
  names.emplace_back(text.substr(kImage.size()));
  return {};
}

Result<build::BuildRequest> build_request(const BuildImageRequest& r) {
  build::BuildRequest b;
  b.context.path = r.context;
  b.context.dockerfile = r.dockerfile;
  b.build_args = r.build_args;
  b.labels = r.labels;
  b.target = r.target;
  b.no_cache = r.no_cache;
  b.no_cache_stages = r.no_cache_filter;
  for (const auto& text : r.cache_from) TRY(add_cache_sources(text, b.cache_from));
  b.pull = r.pull;
  b.explain_cache = r.explain_cache;
  b.remove = r.remove;
  b.force_remove = r.force_remove;
  b.max_layer_size = r.max_layer_size;
  b.allow_whiteouts = r.allow_whiteouts;
  b.run = TRY(run_options(r));
  for (const auto& text : r.secrets) {
    auto [id, secret] = TRY(parse_secret(text));
    b.secrets[id] = std::move(secret);
  }
  for (const auto& text : r.ssh) {
    auto [id, socket] = TRY(parse_agent(text));
    b.agents[id] = std::move(socket);
  }
  for (const auto& text : r.allow) {
    if (text == "security.insecure")
      b.allow_insecure = true;
    else if (text != "network.host")  // which needs no leave: it is the default
      return Error(ErrorCode::InvalidArgument, "unknown entitlement: " + text);
  }
  return b;
}

/// FROM of an image that is not there. Each state of the pull is a line of the build's output.
build::BuildRequest::FetchImage fetch_image(const EngineOptions& engine, const Store& store,
                                            const BuildImageRequest& request) {
  return [&engine, &store, &request](const std::string& name, const std::string& platform,
                                     const std::function<void(std::string_view)>& output,
                                     const std::stop_token& stop) -> Result<void> {
    PullRequest pull;
    pull.reference = name;
    pull.platform = platform.empty() ? request.platform : platform;
    pull.max_layer_size = request.max_layer_size;
    pull.access = request.registries;
    EngineOptions options = engine;
    options.stop = stop;
    TRY(pull_into(store, options, pull, [&](const TransferEvent& event) {
      if (event.total == 0)
        output(event.id.empty() ? event.status + '\n'
                                : fmt::format("{}: {}\n", event.id, event.status));
    }));
    return {};
  };
}

BuildImageResult failed(Error error, int exit_code, bool from_daemon) {
  return {std::nullopt, BuildImageFailure{std::move(error), exit_code, from_daemon}};
}

/// Everything that a tag will name is on disk before the tag is.
Result<void> tag_all(const EngineOptions& engine, const Store& store, ImageID id,
                     const std::vector<Reference>& tags,
                     const std::function<void(std::string_view)>& output) {
  if (!engine.lazy) TRY(store.sync());
  for (const auto& tag : tags) {
    TRY(name_image(store, tag, id, Time::now()));
    output(fmt::format("Successfully tagged {}\n", tag.familiar()));
  }
  return {};
}

}  // namespace

BuildImageResult build_image(const EngineOptions& engine, const BuildImageRequest& request,
                             const BuildImageEvents& events) {
  auto tags = parse_tags(request.tags);
  if (!tags) return failed(std::move(tags).error(), 1, true);
  auto translated = build_request(request);
  if (!translated) return failed(std::move(translated).error(), 1, true);
  auto store = Store::open(engine.root, Store::Access::Write);
  if (!store) return failed(std::move(store).error(), 1, false);

  translated->fetch_image = fetch_image(engine, **store, request);
  auto download_text = [&](const build::DownloadProgress& p) {
    return events.download_text({p.url, p.of_context, p.bytes, p.total, p.last});
  };
  auto outcome =
      build::build(**store, *translated,
                   {events.context, events.output, events.copied, download_text}, engine.stop);
  if (outcome.failure) {
    auto& f = *outcome.failure;
    return failed(std::move(f.error), f.exit_code, f.before_first_step);
  }
  if (auto done = tag_all(engine, **store, *outcome.id, *tags, events.output); !done)
    return failed(std::move(done).error(), 1, false);
  return {outcome.id, std::nullopt};
}

}  // namespace strata

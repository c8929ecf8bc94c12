#include "engine/build_request.h"

#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "engine/build_secrets.h"
#include "engine/container_options.h"
#include "image/units.h"

namespace strata {
namespace {

constexpr std::size_t kMaxGitSecret = 64 << 10;  // bytes

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

}  // namespace

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

Result<build::BuildRequest> build_request(const BuildImageRequest& r) {
  build::BuildRequest b;
  b.context.path = r.context;
  b.context.dockerfile = r.dockerfile;
  b.build_args = r.build_args;
  if (auto keep = r.build_args.find("BUILDKIT_CONTEXT_KEEP_GIT_DIR"); keep != r.build_args.end())
    b.context.keep_git_dir = keep->second == "1" || keep->second == "true";
  for (const auto& text : r.build_contexts) {
    auto [name, value] = TRY(build::parse_build_context(text));
    b.named_contexts[name] = value;
  }
  b.reproducible = r.reproducible;
  b.check_repro = r.check_repro;
  b.labels = r.labels;
  b.target = r.target;
  b.no_cache = r.no_cache;
  b.no_cache_stages = r.no_cache_filter;
  b.pull = r.pull;
  b.explain_cache = r.explain_cache;
  b.shell_on_failure = r.shell_on_failure;
  b.remove = r.remove;
  b.force_remove = r.force_remove;
  b.max_layer_size = r.max_layer_size;
  b.allow_whiteouts = r.allow_whiteouts;
  b.run = TRY(run_options(r));
  for (const auto& text : r.secrets) {
    auto [id, secret] = TRY(parse_secret(text));
    if (id.starts_with("GIT_AUTH_"))
      b.context.git_auth[id] =
          secret.value
              ? *secret.value
              : TRY(read_file(AT_FDCWD, secret.file, kMaxGitSecret).context("secret {}", id));
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

}  // namespace strata

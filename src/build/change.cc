#include "build/change.h"

#include <algorithm>

#include "build/ports.h"
#include "build/variables.h"
#include "dockerfile/expand.h"
#include "dockerfile/parser.h"

namespace strata::build {
namespace {

constexpr char kEscape = '\\';

/// Applies one instruction; the variables it may name are those of the config.
class Change {
 public:
  explicit Change(RunConfig& config) : config_(config) {}

  Result<void> operator()(const dockerfile::Env& v) const {
    auto env = config_.env.value_or(EnvList());
    for (const auto& kv : v.variables) {
      auto name = TRY(expand(kv.name));
      auto value = TRY(expand(kv.value));
      set_env(env, name, value);
    }
    config_.env = std::move(env);
    return {};
  }
  Result<void> operator()(const dockerfile::Label& v) const {
    if (!config_.labels) config_.labels.emplace();
    for (const auto& kv : v.labels) {
      auto name = TRY(expand(kv.name));
      (*config_.labels)[name] = TRY(expand(kv.value));
    }
    return {};
  }
  Result<void> operator()(const dockerfile::Expose& v) const {
    for (const auto& text : v.ports) {
      auto word = TRY(expand(text));
      for (auto& port : TRY(parse_exposed_port(word))) config_.exposed_ports.insert(std::move(port));
    }
    return {};
  }
  Result<void> operator()(const dockerfile::Volume& v) const {
    if (!config_.volumes) config_.volumes.emplace();
    for (const auto& path : v.paths) config_.volumes->insert(TRY(expand(path)));
    return {};
  }
  Result<void> operator()(const dockerfile::User& v) const {
    config_.user = TRY(expand(v.user));
    return {};
  }
  Result<void> operator()(const dockerfile::Workdir& v) const {
    auto path = TRY(expand(v.path));
    if (!path.starts_with('/'))
      path = (config_.working_dir.empty() ? "" : config_.working_dir) + "/" + path;
    config_.working_dir = std::move(path);
    return {};
  }
  Result<void> operator()(const dockerfile::StopSignal& v) const {
    auto signal = TRY(expand(v.signal));
    TRY(parse_stop_signal(signal));
    config_.stop_signal = std::move(signal);
    return {};
  }
  Result<void> operator()(const dockerfile::Cmd& v) const {
    config_.cmd = argv(v.command);
    return {};
  }
  Result<void> operator()(const dockerfile::Entrypoint& v) const {
    config_.entrypoint.reset();
    if (!v.command.words.empty()) config_.entrypoint = argv(v.command);
    return {};
  }
  Result<void> operator()(const dockerfile::OnBuild& v) const {
    if (!config_.on_build) config_.on_build.emplace();
    config_.on_build->push_back(v.trigger);
    return {};
  }
  Result<void> operator()(const dockerfile::Healthcheck& v) const {
    config_.healthcheck = health_config(v);
    return {};
  }
  /// Every other instruction changes files, or means nothing without a Dockerfile.
  template <class Other>
  Result<void> operator()(const Other&) const {
    return Error(ErrorCode::Unsupported, "");
  }

 private:
  Result<std::string> expand(std::string_view word) const {
    return dockerfile::expand_word(word, kEscape, [&](std::string_view name) {
      return config_.env ? env_value(*config_.env, name) : std::nullopt;
    });
  }
  std::vector<std::string> argv(const dockerfile::Command& c) const {
    if (!c.shell_form) return c.words;
    auto words = config_.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config_.shell;
    words.insert(words.end(), c.words.begin(), c.words.end());
    return words;
  }

  RunConfig& config_;
};

}  // namespace

HealthConfig health_config(const dockerfile::Healthcheck& v) {
  HealthConfig check;
  if (v.none) {
    check.test = {"NONE"};
    return check;
  }
  check.test.emplace_back(v.command.shell_form ? "CMD-SHELL" : "CMD");
  check.test.insert(check.test.end(), v.command.words.begin(), v.command.words.end());
  check.interval_ns = v.interval_ns;
  check.timeout_ns = v.timeout_ns;
  check.start_period_ns = v.start_period_ns;
  check.start_interval_ns = v.start_interval_ns;
  check.retries = v.retries;
  return check;
}

Result<void> apply_change(RunConfig& config, std::string_view instruction) {
  auto parsed = TRY(dockerfile::parse_trigger(instruction));
  auto done = std::visit(Change(config), parsed.value);
  if (done || done.error().code() != ErrorCode::Unsupported) return done;
  std::string name = parsed.keyword;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return Error(ErrorCode::InvalidArgument, fmt::format("{} is not a valid change command", name));
}

}  // namespace strata::build

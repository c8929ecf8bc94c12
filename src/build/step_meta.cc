// The instructions that change the config and no file.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "build/change.h"
#include "build/ports.h"
#include "build/stage.h"
#include "image/go_quote.h"
#include "image/units.h"

namespace strata::build {
namespace {

/// "NAME=value" with a blank in front, as the history shows pairs.
void append_pair(std::string& text, const std::string& name, const std::string& value) {
  text += ' ' + name + '=' + value;
}

}  // namespace

Result<void> Stage::run(const dockerfile::Maintainer& v) {
  author_ = v.name;
  return commit_config("MAINTAINER " + v.name);
}

Result<void> Stage::run(const dockerfile::Env& v) {
  // All of one instruction see the environment before it.
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& kv : v.variables)
    pairs.emplace_back(TRY(expand(kv.name)), TRY(expand(kv.value)));
  std::string text = "ENV";
  if (!config_.env) config_.env.emplace();
  for (const auto& [name, value] : pairs) {
    append_pair(text, name, value);
    set_env(*config_.env, name, value);
    args_.hide(name);
  }
  return commit_config(text);
}

Result<void> Stage::run(const dockerfile::Label& v) {
  std::string text = "LABEL";
  if (!config_.labels) config_.labels.emplace();
  for (const auto& kv : v.labels) {
    auto name = TRY(expand(kv.name));
    auto value = TRY(expand(kv.value));
    append_pair(text, name, value);
    (*config_.labels)[name] = value;
  }
  return commit_config(text);
}

Result<void> Stage::run(const dockerfile::Arg& v) {
  std::string text = "ARG";
  for (const auto& arg : v.names) {
    auto name = TRY(expand(arg.name));
    std::optional<std::string> value;
    if (arg.value) value = TRY(expand(*arg.value));
    text += ' ' + name;
    if (value) text += '=' + *value;
    args_.set(name, build_.args.declare(name, value));
  }
  return commit_config(text);
}

Result<void> Stage::run(const dockerfile::Expose& v) {
  std::vector<std::string> words;
  auto lookup = [&](std::string_view name) { return variable(name); };
  for (const auto& port : v.ports)
    for (auto& word : TRY(dockerfile::expand_words(port, build_.dockerfile.escape, lookup)))
      words.push_back(std::move(word));
  std::sort(words.begin(), words.end());
  for (const auto& word : words)
    for (auto& port : TRY(parse_exposed_port(word))) config_.exposed_ports.insert(std::move(port));
  return commit_config("EXPOSE " + join(words, " "));
}

Result<void> Stage::run(const dockerfile::User& v) {
  config_.user = TRY(expand(v.user));
  return commit_config("USER " + config_.user);
}

Result<void> Stage::run(const dockerfile::Volume& v) {
  std::vector<std::string> paths;
  for (const auto& path : v.paths) paths.push_back(TRY(expand(path)));
  if (!config_.volumes) config_.volumes.emplace();
  for (const auto& path : paths) {
    if (path.empty())
      return Error(ErrorCode::InvalidArgument, "VOLUME specified can not be an empty string");
    config_.volumes->insert(path);
  }
  return commit_config(fmt::format("VOLUME [{}]", join(paths, " ")));
}

Result<void> Stage::run(const dockerfile::StopSignal& v) {
  auto signal = TRY(expand(v.signal));
  TRY(parse_stop_signal(signal));
  config_.stop_signal = signal;
  return commit_config("STOPSIGNAL " + signal);
}

Result<void> Stage::run(const dockerfile::Shell& v) {
  config_.shell = v.words;
  return commit_config(fmt::format("SHELL [{}]", join(v.words, " ")));
}

namespace {

/// argv of CMD or ENTRYPOINT; nullopt for an empty shell form.
std::vector<std::string> command_line(const dockerfile::Command& c,
                                      const std::vector<std::string>& shell) {
  if (!c.shell_form) return c.words;
  auto argv = shell;
  argv.insert(argv.end(), c.words.begin(), c.words.end());
  return argv;
}

}  // namespace

Result<void> Stage::run(const dockerfile::Cmd& v) {
  config_.cmd = command_line(v.command, shell());
  if (!config_.cmd->empty()) own_cmd_ = true;
  return commit_config("CMD " + go_quote(*config_.cmd));
}

Result<void> Stage::run(const dockerfile::Entrypoint& v) {
  config_.entrypoint.reset();
  if (!v.command.words.empty()) config_.entrypoint = command_line(v.command, shell());
  // An entry point of one's own does not go with the arguments of the base image.
  if (!own_cmd_) config_.cmd.reset();
  return commit_config("ENTRYPOINT " +
                       go_quote(config_.entrypoint.value_or(std::vector<std::string>())));
}

Result<void> Stage::run(const dockerfile::Healthcheck& v) {
  if (config_.healthcheck && !config_.healthcheck->test.empty() &&
      config_.healthcheck->test[0] != "NONE") {
    output_.write(fmt::format("Note: overriding previous HEALTHCHECK: [{}]\n",
                              join(config_.healthcheck->test, " ")));
  }
  HealthConfig check = health_config(v);
  config_.healthcheck = check;
  auto duration = [](std::int64_t ns) { return go_quote(go_duration(ns)); };
  return commit_config(fmt::format("HEALTHCHECK &{{{} {} {} {} {}}}", go_quote(check.test),
                                   duration(check.interval_ns), duration(check.timeout_ns),
                                   duration(check.start_period_ns),
                                   go_quote_rune(static_cast<char32_t>(check.retries))));
}

Result<void> Stage::run(const dockerfile::OnBuild& v) {
  if (!config_.on_build) config_.on_build.emplace();
  config_.on_build->push_back(v.trigger);
  return commit_config("ONBUILD " + v.trigger);
}

Result<void> Stage::run(const dockerfile::From&) {
  return Error(ErrorCode::InvalidArgument, "FROM isn't allowed as an ONBUILD trigger");
}

}  // namespace strata::build

#include "build/change.h"

#include <algorithm>
#include <cctype>

#include "build/ports.h"
#include "build/variables.h"
#include "dockerfile/expand.h"
#include "dockerfile/parser.h"

namespace strata::build {
namespace {

constexpr char kEscape = '\\';

/// One overload per instruction that may change a config. What an instruction does to the config of
/// a build step is the same; steps also write history, which a change has none of.
class Change {
 public:
  explicit Change(RunConfig& config) : config_(config) {}

  Result<void> operator()(const dockerfile::Env& v) {
    std::vector<std::pair<std::string, std::string>> pairs;  // all see the environment before it
    for (const auto& kv : v.variables)
      pairs.emplace_back(TRY(expand(kv.name)), TRY(expand(kv.value)));
    if (!config_.env) config_.env.emplace();
    for (const auto& [name, value] : pairs) set_env(*config_.env, name, value);
    return {};
  }

  Result<void> operator()(const dockerfile::Label& v) {
    if (!config_.labels) config_.labels.emplace();
    for (const auto& kv : v.labels) {
      auto name = TRY(expand(kv.name));
      auto value = TRY(expand(kv.value));
      (*config_.labels)[name] = value;
    }
    return {};
  }

  Result<void> operator()(const dockerfile::Expose& v) {
    for (const auto& text : v.ports)
      for (const auto& word : TRY(dockerfile::expand_words(text, kEscape, lookup())))
        for (auto& port : TRY(parse_exposed_port(word)))
          config_.exposed_ports.insert(std::move(port));
    return {};
  }

  Result<void> operator()(const dockerfile::User& v) {
    config_.user = TRY(expand(v.user));
    return {};
  }

  Result<void> operator()(const dockerfile::Volume& v) {
    if (!config_.volumes) config_.volumes.emplace();
    for (const auto& text : v.paths) {
      auto path = TRY(expand(text));
      if (path.empty())
        return Error(ErrorCode::InvalidArgument, "VOLUME specified can not be an empty string");
      config_.volumes->insert(std::move(path));
    }
    return {};
  }

  Result<void> operator()(const dockerfile::StopSignal& v) {
    auto signal = TRY(expand(v.signal));
    TRY(parse_stop_signal(signal));
    config_.stop_signal = std::move(signal);
    return {};
  }

  Result<void> operator()(const dockerfile::Workdir& v) {
    auto path = TRY(expand(v.path));
    if (path.empty()) return Error(ErrorCode::InvalidArgument, "cannot normalize nothing");
    config_.working_dir = path[0] == '/' ? clean(path) : clean(config_.working_dir + '/' + path);
    return {};
  }

  Result<void> operator()(const dockerfile::Cmd& v) {
    config_.cmd = command_line(v.command);
    if (!config_.cmd->empty()) own_cmd_ = true;
    return {};
  }

  Result<void> operator()(const dockerfile::Entrypoint& v) {
    config_.entrypoint.reset();
    if (!v.command.words.empty()) config_.entrypoint = command_line(v.command);
    if (!own_cmd_) config_.cmd.reset();
    return {};
  }

  Result<void> operator()(const dockerfile::Healthcheck& v) {
    config_.healthcheck = health_config(v);
    return {};
  }

  template <class Other>
  Result<void> operator()(const Other&) {
    return Error(ErrorCode::Internal, "an instruction that changes no config");
  }

 private:
  dockerfile::Lookup lookup() const {
    return [this](std::string_view name) {
      return config_.env ? env_value(*config_.env, name) : std::nullopt;
    };
  }

  Result<std::string> expand(std::string_view word) const {
    return dockerfile::expand_word(word, kEscape, lookup());
  }

  std::vector<std::string> command_line(const dockerfile::Command& c) const {
    if (!c.shell_form) return c.words;
    auto argv = config_.shell;
    if (argv.empty()) argv = {"/bin/sh", "-c"};
    argv.insert(argv.end(), c.words.begin(), c.words.end());
    return argv;
  }

  /// Go's path.Clean of a path that is meant to be absolute.
  static std::string clean(std::string_view path) {
    std::string out;
    for (std::size_t at = 0; at <= path.size();) {
      auto end = std::min(path.find('/', at), path.size());
      auto name = path.substr(at, end - at);
      if (name == "..")
        out.erase(out.empty() ? 0 : out.rfind('/'));
      else if (!name.empty() && name != ".")
        out.append("/").append(name);
      at = end + 1;
    }
    return out.empty() ? "/" : out;
  }

  RunConfig& config_;
  bool own_cmd_ = false;
};

}  // namespace

HealthConfig health_config(const dockerfile::Healthcheck& v) {
  HealthConfig check;
  check.test.emplace_back(v.none ? "NONE" : v.command.shell_form ? "CMD-SHELL" : "CMD");
  if (!v.none) check.test.insert(check.test.end(), v.command.words.begin(), v.command.words.end());
  check.interval_ns = v.interval_ns;
  check.timeout_ns = v.timeout_ns;
  check.start_period_ns = v.start_period_ns;
  check.start_interval_ns = v.start_interval_ns;
  check.retries = v.retries;
  return check;
}

namespace {

struct Line {
  std::string keyword;    // lower case
  std::string_view rest;  // without blanks at its begin
};

Line split_line(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  auto end = std::min(text.find_first_of(kBlanks), text.size());
  Line line{std::string(text.substr(0, end)), text.substr(end)};
  std::transform(line.keyword.begin(), line.keyword.end(), line.keyword.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  line.rest.remove_prefix(std::min(line.rest.find_first_not_of(kBlanks), line.rest.size()));
  return line;
}

Result<void> check_keyword(std::string_view keyword) {
  constexpr std::string_view kAllowed[] = {"cmd",    "entrypoint", "healthcheck", "env",
                                           "expose", "label",      "onbuild",     "stopsignal",
                                           "user",   "volume",     "workdir"};
  if (std::find(std::begin(kAllowed), std::end(kAllowed), keyword) != std::end(kAllowed)) return {};
  return Error(ErrorCode::InvalidArgument,
               fmt::format("{} is not a valid change command", keyword));
}

}  // namespace

Result<void> apply_changes(RunConfig& config, std::span<const std::string> changes) {
  for (const auto& text : changes) TRY(check_keyword(split_line(text).keyword));
  Change change(config);
  for (const auto& text : changes) {
    auto line = split_line(text);
    // The parser takes no ONBUILD here, as if the text were a trigger itself.
    bool is_trigger = line.keyword == "onbuild";
    auto instruction =
        TRY(dockerfile::parse_trigger(is_trigger ? line.rest : std::string_view(text)));
    if (is_trigger) {
      if (!config.on_build) config.on_build.emplace();
      config.on_build->emplace_back(line.rest);
    } else {
      TRY(std::visit(change, instruction.value));
    }
  }
  return {};
}

Result<void> apply_change(RunConfig& config, std::string_view instruction) {
  std::string text(instruction);
  return apply_changes(config, std::span(&text, 1));
}

}  // namespace strata::build

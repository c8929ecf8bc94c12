#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "dockerfile/detail/flags.h"
#include "dockerfile/detail/statement.h"
#include "dockerfile/detail/text.h"
#include "dockerfile/duration.h"

// One function per instruction: Statement in, checked value out. The order of the checks within a
// function is docker's, since it decides which message a line with two errors gets.
namespace strata::dockerfile::detail {
namespace {

using Value = decltype(Instruction::value);

Error at_least_one(const Statement& s) {
  return invalid(s.keyword + " requires at least one argument");
}

// The one argument of USER, WORKDIR, STOPSIGNAL or MAINTAINER, which have no flags.
Result<std::string> only_argument(const Statement& s) {
  if (s.args.size() != 1) return invalid(s.keyword + " requires exactly one argument");
  TRY(parse_flags(s.flags, {}));
  return s.args[0];
}

Result<std::string> stage_name(const std::vector<std::string>& args) {
  if (args.size() != 1 && (args.size() != 3 || to_lower(args[1]) != "as"))
    return invalid("FROM requires either one or three arguments");
  if (args.size() == 1) return std::string();
  std::string name = to_lower(args[2]);
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good =
      letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      });
  if (!good)
    return invalid(
        fmt::format("invalid name for build stage: {}, name can't start with a number "
                    "or contain symbols",
                    quote(args[2])));
  return name;
}

Result<From> make_from(const Statement& s) {
  From from;
  from.stage_name = TRY(stage_name(s.args));
  TRY(parse_flags(s.flags, {{"platform", &from.platform}}));
  from.image = s.args[0];
  if (s.args.size() == 3) {
    from.as_word = s.args[1];
    from.stage_name_written = s.args[2];
  }
  return from;
}

// `first` is where the command starts in the arguments.
Command command_of(const Statement& s, std::size_t first = 0) {
  return {!s.json, {s.args.begin() + static_cast<std::ptrdiff_t>(first), s.args.end()}};
}

// Puts the here-documents into the command: the shell gets the body of a lone one, and otherwise
// all that stood in the file.
void add_heredocs(Run& run, const Statement& s) {
  for (const HeredocText& text : s.heredocs) run.heredocs.push_back(text.cooked());
  if (run.heredocs.empty()) return;
  std::string& line = run.command.words[0];
  if (run.heredocs.size() == 1 && parse_heredoc_word(line)) {
    line = run.heredocs[0].body;
    run.script = line.starts_with("#!");
    return;
  }
  for (const Heredoc& h : run.heredocs) line += '\n' + h.body + h.name;
}

Result<Run> make_run(const Statement& s) {
  Run run;
  TRY(parse_flags(s.flags, {{"mount", &run.mounts},
                            {"network", &run.network},
                            {"security", &run.security},
                            {"device", &run.devices}}));
  const std::string& network = run.network;
  if (!network.empty() && network != "default" && network != "none" && network != "host")
    return invalid("invalid network mode " + quote(network));
  if (!run.security.empty() && run.security != "sandbox" && run.security != "insecure")
    return invalid(fmt::format("security {} is not valid", quote(run.security)));
  run.command = command_of(s);
  add_heredocs(run, s);
  return run;
}

Result<Cmd> make_cmd(const Statement& s) {
  TRY(parse_flags(s.flags, {}));
  return Cmd{command_of(s)};
}

Result<Entrypoint> make_entrypoint(const Statement& s) {
  TRY(parse_flags(s.flags, {}));
  return Entrypoint{command_of(s)};
}

Result<Shell> make_shell(const Statement& s) {
  TRY(parse_flags(s.flags, {}));
  if (s.args.empty()) return at_least_one(s);
  if (!s.json) return invalid("SHELL requires the arguments to be in JSON form");
  return Shell{s.args};
}

// 0 for a flag that was not given.
Result<std::int64_t> interval(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::int64_t{0};
  const std::int64_t ns = TRY(parse_duration(text));
  if (ns != 0 && ns < 1'000'000)
    return invalid(fmt::format("Interval {} cannot be less than 1ms", quote(flag)));
  return ns;
}

Result<int> retry_count(const std::string& text) {
  if (text.empty()) return 0;
  int count = 0;
  const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, count);
  const bool number = end == last && first != last && !text.starts_with("+-");
  if (number && error == std::errc::result_out_of_range)
    return invalid(fmt::format("strconv.ParseInt: parsing {}: value out of range", quote(text)));
  if (!number || error != std::errc())
    return invalid(fmt::format("strconv.ParseInt: parsing {}: invalid syntax", quote(text)));
  if (count < 1) return invalid(fmt::format("--retries must be at least 1 (not {})", count));
  return count;
}

Result<Healthcheck> make_healthcheck(const Statement& s) {
  if (s.args.empty()) return at_least_one(s);
  Healthcheck check;
  const std::string type = to_upper(s.args[0]);
  if (type == "NONE") {
    if (s.args.size() > 1) return invalid("HEALTHCHECK NONE takes no arguments");
    check.none = true;
    return check;  // docker does not look at the flags here
  }
  std::string every;
  std::string timeout;
  std::string start_period;
  std::string start_interval;
  std::string retries;
  TRY(parse_flags(s.flags, {{"interval", &every},
                            {"timeout", &timeout},
                            {"start-period", &start_period},
                            {"start-interval", &start_interval},
                            {"retries", &retries}}));
  if (type != "CMD")
    return invalid(fmt::format("Unknown type {} in HEALTHCHECK (try CMD)", quote(type)));
  if (s.args.size() < 2) return invalid("Missing command after HEALTHCHECK CMD");
  check.command = command_of(s, 1);
  check.interval_ns = TRY(interval("interval", every));
  check.timeout_ns = TRY(interval("timeout", timeout));
  check.start_period_ns = TRY(interval("start-period", start_period));
  check.start_interval_ns = TRY(interval("start-interval", start_interval));
  check.retries = TRY(retry_count(retries));
  return check;
}

Result<std::vector<KeyValue>> checked_pairs(const Statement& s) {
  TRY(parse_flags(s.flags, {}));
  if (s.pairs.empty()) return at_least_one(s);
  for (const KeyValue& pair : s.pairs)
    if (pair.name.empty()) return invalid(s.keyword + " names can not be blank");
  return s.pairs;
}

Result<Env> make_env(const Statement& s) { return Env{TRY(checked_pairs(s)), s.old_form}; }

Result<Label> make_label(const Statement& s) { return Label{TRY(checked_pairs(s)), s.old_form}; }

Result<Arg> make_arg(const Statement& s) {
  TRY(parse_flags(s.flags, {}));
  if (s.args.empty()) return at_least_one(s);
  Arg arg;
  for (const std::string& word : s.args) {
    const std::size_t equals = word.find('=');
    if (equals == 0) return invalid("ARG names can not be blank");
    Arg::Name& name = arg.names.emplace_back(Arg::Name{word.substr(0, equals), std::nullopt});
    if (equals != std::string::npos) name.value = word.substr(equals + 1);
  }
  return arg;
}

Result<Expose> make_expose(const Statement& s) {
  if (s.args.empty()) return at_least_one(s);
  TRY(parse_flags(s.flags, {}));
  Expose expose{s.args};
  std::sort(expose.ports.begin(), expose.ports.end());
  return expose;
}

Result<Volume> make_volume(const Statement& s) {
  if (s.args.empty()) return at_least_one(s);
  TRY(parse_flags(s.flags, {}));
  Volume volume;
  for (const std::string& path : s.args)
    if (volume.paths.emplace_back(trim(path)).empty())
      return invalid("VOLUME specified can not be an empty string");
  return volume;
}

Result<User> make_user(const Statement& s) { return User{TRY(only_argument(s))}; }
Result<Workdir> make_workdir(const Statement& s) { return Workdir{TRY(only_argument(s))}; }
Result<StopSignal> make_stopsignal(const Statement& s) { return StopSignal{TRY(only_argument(s))}; }
Result<Maintainer> make_maintainer(const Statement& s) { return Maintainer{TRY(only_argument(s))}; }

Result<OnBuild> make_onbuild(const Statement& s) {
  if (s.args.empty()) return at_least_one(s);
  TRY(parse_flags(s.flags, {}));
  const std::string& trigger = s.args[0];
  if (trigger == "ONBUILD") return invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger == "FROM" || trigger == "MAINTAINER")
    return invalid(trigger + " isn't allowed as an ONBUILD trigger");
  const std::string_view text = trim_left(s.line.text);
  OnBuild onbuild{std::string(trim_left(text.substr(s.keyword.size())))};
  for (const HeredocText& h : s.heredocs) onbuild.trigger += '\n' + h.raw + h.word.name;
  return onbuild;
}

// Sources, here-documents and destination from the arguments.
Result<void> add_paths(FileCopy& copy, const Statement& s) {
  copy.destination = s.args.back();
  if (!s.heredocs.empty() && parse_heredoc_word(copy.destination))
    return invalid(s.keyword + " cannot accept a heredoc as a destination");
  for (std::size_t i = 0; i + 1 < s.args.size(); i++) {
    const auto is_heredoc = !s.heredocs.empty() && parse_heredoc_word(s.args[i]);
    if (!is_heredoc) copy.sources.push_back(s.args[i]);
  }
  for (const HeredocText& text : s.heredocs) copy.heredocs.push_back(text.cooked());
  return {};
}

Result<void> check_paths(const Statement& s) {
  if (s.args.size() >= 2) return {};
  return invalid(s.keyword +
                 " requires at least two arguments, but only one was provided. Destination could "
                 "not be determined");
}

Result<Copy> make_copy(const Statement& s) {
  TRY(check_paths(s));
  Copy copy;
  TRY(parse_flags(s.flags, {{"from", &copy.from},
                            {"chown", &copy.chown},
                            {"chmod", &copy.chmod},
                            {"link", &copy.link},
                            {"parents", &copy.parents},
                            {"exclude", &copy.exclude}}));
  TRY(add_paths(copy, s));
  return copy;
}

Result<Add> make_add(const Statement& s) {
  TRY(check_paths(s));
  Add add;
  TRY(parse_flags(s.flags, {{"chown", &add.chown},
                            {"chmod", &add.chmod},
                            {"link", &add.link},
                            {"checksum", &add.checksum},
                            {"keep-git-dir", &add.keep_git_dir},
                            {"exclude", &add.exclude},
                            {"unpack", &add.unpack}}));
  TRY(add_paths(add, s));
  return add;
}

template <auto Make>
Result<Value> as_value(const Statement& s) {
  return Value(TRY(Make(s)));
}

struct Maker {
  std::string_view keyword;
  Result<Value> (*make)(const Statement&);
};

constexpr Maker kMakers[] = {
    {"ADD", as_value<make_add>},
    {"ARG", as_value<make_arg>},
    {"CMD", as_value<make_cmd>},
    {"COPY", as_value<make_copy>},
    {"ENTRYPOINT", as_value<make_entrypoint>},
    {"ENV", as_value<make_env>},
    {"EXPOSE", as_value<make_expose>},
    {"FROM", as_value<make_from>},
    {"HEALTHCHECK", as_value<make_healthcheck>},
    {"LABEL", as_value<make_label>},
    {"MAINTAINER", as_value<make_maintainer>},
    {"ONBUILD", as_value<make_onbuild>},
    {"RUN", as_value<make_run>},
    {"SHELL", as_value<make_shell>},
    {"STOPSIGNAL", as_value<make_stopsignal>},
    {"USER", as_value<make_user>},
    {"VOLUME", as_value<make_volume>},
    {"WORKDIR", as_value<make_workdir>},
};

}  // namespace

Result<Instruction> make_instruction(const Statement& s) {
  const auto maker = std::find_if(std::begin(kMakers), std::end(kMakers),
                                  [&](const Maker& m) { return m.keyword == s.keyword; });
  if (maker == std::end(kMakers)) return invalid("unknown instruction: " + s.keyword);
  Instruction out;
  out.value = TRY(maker->make(s));
  out.first_line = s.line.first_line;
  out.last_line = s.line.last_line;
  out.blank_line = s.line.blank_line;
  out.comment = s.line.comment;
  out.keyword = s.keyword;
  out.original = trim(s.line.text);
  return out;
}

}  // namespace strata::dockerfile::detail

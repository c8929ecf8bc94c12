#include "cli/build_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report.h"
#include "cli/table.h"
#include "engine/dockerfile_calls.h"
#include "image/json.h"

namespace strata::cli {
namespace build_calls {
namespace {

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; j++)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; j++)
      out += i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63];
  }
  return out;
}

/// The lines of a text, without their ends.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The lines of a finding with two around them, those of the finding marked.
std::string excerpt(const std::vector<std::string_view>& lines, int first, int last) {
  constexpr std::string_view kRule = "--------------------\n";
  constexpr int kShown = 10;  // of a finding that is a whole here-document
  std::string out(kRule);
  int from = std::max(first - 2, 1);
  int to = std::min({last + 2, first + kShown, static_cast<int>(lines.size())});
  for (int n = from; n <= to; n++)
    out += fmt::format("{:4} | {} {}\n", n, n >= first && n <= last ? ">>>" : "   ",
                       lines[static_cast<std::size_t>(n) - 1]);
  return out.append(kRule);
}

std::string check_text(const DockerfileCheck& check) {
  if (check.findings.empty()) return "Check complete, no warnings found.\n";
  auto n = check.findings.size();
  std::string out = n == 1 ? "Check complete, 1 warning has been found!\n"
                           : fmt::format("Check complete, {} warnings have been found!\n", n);
  auto lines = lines_of(check.source.text);
  for (const auto& finding : check.findings)
    out += fmt::format("\nWARNING: {} - {}\n{}\n{}:{}\n{}", lint::rule_info(finding.rule).name,
                       lint::rule_url(finding.rule), finding.detail, check.source.name,
                       finding.first_line, excerpt(lines, finding.first_line, finding.last_line));
  return out;
}

Json location(int first, int last) {
  auto range = Json::object(
      {{"start", Json::object({{"line", first}})}, {"end", Json::object({{"line", last}})}});
  return Json::object({{"ranges", Json::array({range})}});
}

/// BuildKit's document, so that what reads that reads this.
Json check_json(const DockerfileCheck& check) {
  auto warnings = Json::array();
  for (const auto& f : check.findings)
    warnings.push(Json::object({{"ruleName", lint::rule_info(f.rule).name},
                                {"description", lint::rule_info(f.rule).description},
                                {"url", lint::rule_url(f.rule)},
                                {"detail", f.detail},
                                {"location", location(f.first_line, f.last_line)}}));
  auto source = Json::object({{"filename", check.source.name},
                              {"language", "Dockerfile"},
                              {"data", base64(check.source.text)}});
  auto out = Json::object({{"warnings", warnings}, {"sources", Json::array({source})}});
  if (check.failure)
    out.set("buildError", Json::object({{"message", std::string(check.failure->message())}}));
  return out;
}

Result<int> run_check(bool json, const EngineOptions& engine, const BuildImageRequest& request,
                      Call& call) {
  auto check = TRY(check_dockerfile(engine, request));
  if (json) {
    fmt::print(call.out, "{}\n", check_json(check).dump_indented("  "));
  } else if (!check.failure || !check.findings.empty()) {
    fmt::print(call.out, "{}", check_text(check));
  }
  if (check.failure) return from_daemon(*std::move(check.failure));
  if (check.error && !check.findings.empty())
    fmt::print(call.err, "{}\n", lint::violation_text(check.findings));
  return check.findings.empty() ? 0 : 1;
}

/// Columns without blanks behind the last word.
std::string columns(std::string_view rows) {
  std::string out;
  const std::string aligned = align_columns(rows);
  for (auto line : lines_of(aligned))
    out.append(line.substr(0, line.find_last_not_of(' ') + 1)) += '\n';
  return out;
}

/// A table with a heading, if it has rows.
void add_table(std::string& out, std::string_view heading, const std::string& rows) {
  if (rows.empty()) return;
  if (!out.empty()) out += '\n';
  out += columns(fmt::format("{}\n{}", heading, rows));
}

std::string outline_text(const lint::Outline& o) {
  std::string out = fmt::format("TARGET:      {}\n", o.name.empty() ? "default" : o.name);
  if (!o.description.empty()) out += fmt::format("DESCRIPTION: {}\n", o.description);
  std::string rows;
  for (const auto& arg : o.args)
    rows += fmt::format("{}\t{}\t{}\n", arg.name, arg.value.value_or(""), arg.description);
  add_table(out, "BUILD ARG\tVALUE\tDESCRIPTION", rows);
  for (bool ssh : {false, true}) {
    rows.clear();
    for (const auto& secret : ssh ? o.ssh : o.secrets)
      rows += fmt::format("{}\t{}\n", secret.name, secret.required ? "true" : "");
    add_table(out, ssh ? "SSH\tREQUIRED" : "SECRET\tREQUIRED", rows);
  }
  rows.clear();
  for (const auto& cache : o.caches) rows += cache.id + '\n';
  add_table(out, "CACHE MOUNT", rows);
  return out;
}

void set_unless_empty(Json& to, std::string key, const std::string& value) {
  if (!value.empty()) to.set(std::move(key), value);
}

Json secrets_json(const std::vector<lint::Outline::Secret>& secrets) {
  auto list = Json::array();
  for (const auto& secret : secrets) {
    auto one = Json::object({{"name", secret.name}});
    if (secret.required) one.set("required", true);
    list.push(one.set("location", location(secret.line, secret.line)));
  }
  return list;
}

Json outline_json(const DockerfileOutline& result) {
  const auto& o = result.outline;
  auto out = Json::object();
  set_unless_empty(out, "name", o.name);
  set_unless_empty(out, "description", o.description);
  auto args = Json::array();
  for (const auto& arg : o.args) {
    auto one = Json::object({{"name", arg.name}});
    set_unless_empty(one, "description", arg.description);
    if (arg.value) one.set("value", *arg.value);
    args.push(one.set("location", location(arg.line, arg.line)));
  }
  auto caches = Json::array();
  for (const auto& cache : o.caches)
    caches.push(Json::object({{"ID", cache.id}, {"location", location(cache.line, cache.line)}}));
  for (auto [key, list] : {std::pair("args", args), std::pair("secrets", secrets_json(o.secrets)),
                           std::pair("ssh", secrets_json(o.ssh)), std::pair("cache", caches)})
    if (list.size() > 0) out.set(key, list);
  return out.set("sources", Json::array({base64(result.source.text)}));
}

Result<int> run_outline(bool json, const EngineOptions& engine, const BuildImageRequest& request,
                        Call& call) {
  auto result = TRY(outline_dockerfile(engine, request));
  fmt::print(call.out, "{}",
             json ? outline_json(result).dump_indented("  ") + '\n' : outline_text(result.outline));
  return 0;
}

std::string targets_text(const std::vector<lint::Target>& targets) {
  std::string rows = "TARGET\tDESCRIPTION\n";
  for (std::size_t i = 0; i < targets.size(); i++) {
    std::string name = targets[i].name.empty() ? std::to_string(i) : targets[i].name;
    rows += fmt::format("{}{}\t{}\n", name, targets[i].is_default ? " (default)" : "",
                        targets[i].description);
  }
  return columns(rows);
}

Json targets_json(const DockerfileTargets& result) {
  auto list = Json::array();
  for (const auto& target : result.targets) {
    auto one = Json::object();
    set_unless_empty(one, "name", target.name);
    if (target.is_default) one.set("default", true);
    set_unless_empty(one, "description", target.description);
    set_unless_empty(one, "base", target.base);
    set_unless_empty(one, "platform", target.platform);
    list.push(one.set("location", location(target.line, target.line)));
  }
  return Json::object({{"targets", list}, {"sources", Json::array({base64(result.source.text)})}});
}

Result<int> run_targets(bool json, const EngineOptions& engine, const BuildImageRequest& request,
                        Call& call) {
  auto result = TRY(list_targets(engine, request));
  fmt::print(call.out, "{}",
             json ? targets_json(result).dump_indented("  ") + '\n' : targets_text(result.targets));
  return 0;
}

}  // namespace
}  // namespace build_calls

Result<BuildCall> parse_build_call(std::string_view text) {
  auto bad = [&](std::string_view what, std::string_view value) {
    return Error(ErrorCode::InvalidArgument, fmt::format("invalid {} \"{}\"", what, value));
  };
  BuildCall out;
  bool first = true;
  while (first || !text.empty()) {
    auto comma = std::min(text.find(','), text.size());
    auto field = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    constexpr std::string_view kFormat = "format=";
    if (first) {
      out.method = field == "lint" ? "check" : std::string(field);
      constexpr std::string_view kMethods[] = {"build", "check", "outline", "targets"};
      if (std::find(std::begin(kMethods), std::end(kMethods), out.method) == std::end(kMethods))
        return bad("method", field);
    } else if (!field.starts_with(kFormat)) {
      return bad("option", field);
    } else if (auto format = field.substr(kFormat.size()); format == "json" || format == "text") {
      out.json = format == "json";
    } else {
      return bad("format", format);
    }
    first = false;
  }
  return out;
}

Result<int> run_build_call(const BuildCall& what, const EngineOptions& engine,
                           const BuildImageRequest& request, Call& call) {
  if (what.method == "check") return build_calls::run_check(what.json, engine, request, call);
  if (what.method == "outline") return build_calls::run_outline(what.json, engine, request, call);
  return build_calls::run_targets(what.json, engine, request, call);
}

}  // namespace strata::cli

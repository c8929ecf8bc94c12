#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/images.h"

namespace strata::cli {
namespace cmd_search {
namespace {

constexpr std::size_t kShownDescription = 45;  // characters, as docker
constexpr std::int64_t kMostRows = 100;

struct Options {
  std::vector<std::string> filters;
  std::string format;
  std::int64_t limit = 25;
  bool full = false;
};

void add_flags(FlagSet& f, Options& o) {
  add_filter(f, o.filters, 'f', "Filter output based on conditions provided");
  f.add(o.format, "format", 0, "Pretty-print search using a Go template");
  f.add(o.limit, "limit", 0, "Max number of search results");
  f.add(o.full, "no-trunc", 0, "Don't truncate output");
}

constexpr TableField kFields[] = {
    {"Name", "NAME"},       {"Description", "DESCRIPTION"}, {"Tags", "TAGS"},
    {"StarCount", "STARS"}, {"IsOfficial", "OFFICIAL"},     {"IsAutomated", "AUTOMATED"},
};

constexpr TableSpec kSpec = {
    .go_type = "*formatter.searchContext",
    .default_format = "table {{.Name}}\t{{.Description}}\t{{.Tags}}\t{{.IsOfficial}}",
    .quiet_format = "{{.Name}}",
    .raw_format = "{{.Name}}\n",
    .raw_quiet_format = "{{.Name}}",
    .fields = kFields,
};

/// Of docker's filters: nobody gives a local image stars, or builds it automatically.
struct Filters {
  std::optional<bool> official;
  bool none = false;  // what is asked for cannot be
};

Result<Filters> parse_filters(const std::vector<std::string>& texts) {
  Filters filters;
  for (const auto& text : texts) {
    auto equals = text.find('=');
    auto name = text.substr(0, equals);
    auto value = text.substr(equals + 1);
    auto invalid =
        Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}={}'", name, value));
    if (name == "stars") {
      if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) return invalid;
      filters.none |= value.find_first_not_of('0') != std::string::npos;
    } else if (name == "is-official" || name == "is-automated") {
      auto wanted = parse_go_bool(value);
      if (!wanted) return invalid;
      if (name == "is-official")
        filters.official = *wanted;
      else
        filters.none |= *wanted;
    } else {
      return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}'", name));
    }
  }
  return filters;
}

std::string one_line(std::string text, bool full) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return full ? text : ellipsis(text, kShownDescription);
}

Json row_json(const SearchRow& row, bool full) {
  return Json::object({
      {"Description", one_line(row.description, full)},
      {"IsAutomated", "false"},
      {"IsOfficial", row.official ? "[OK]" : ""},
      {"Name", row.name},
      {"StarCount", "0"},
      {"Tags", join(row.tags, ",")},
  });
}

Result<int> run(Options& o, Call& call) {
  if (o.limit < 1 || o.limit > kMostRows)
    return from_daemon(
        Error(ErrorCode::InvalidArgument,
              fmt::format("Limit {} is outside the range of [1, {}]", o.limit, kMostRows)));
  auto filters = parse_filters(o.filters);
  if (!filters) return from_daemon(std::move(filters).error());
  auto table = TRY(Table::create(kSpec, o.format));
  auto rows = search_images(engine_options(call), call.args[0]);
  if (!rows) return from_daemon(std::move(rows).error());
  std::int64_t shown = 0;
  for (const auto& row : *rows) {
    if (filters->none || (filters->official && row.official != *filters->official)) continue;
    if (++shown > o.limit) break;
    TRY(table.add(row_json(row, o.full)));
  }
  auto text = TRY(table.finish());
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_search

Command search_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] TERM",
      .summary = "Search the store for images",
      .description =
          "Lists the repositories of this store whose name contains TERM, or matches it if it "
          "is a pattern (*, ?, [...]). No registry is asked.\n\n"
          "Filters: is-official=true|false; stars=N and is-automated=true|false are taken as of "
          "images that have neither.",
      .arity = exactly(1),
      .make = action<cmd_search::Options, cmd_search::add_flags, cmd_search::run>};
}

}  // namespace strata::cli

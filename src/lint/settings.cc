#include "lint/settings.h"

#include <fmt/core.h>

#include "base/text.h"

namespace strata::lint {
namespace {

Error bad(std::string_view text) {
  return Error(ErrorCode::InvalidArgument, fmt::format("invalid check option \"{}\"", text));
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void take_rules(std::string_view list, std::set<Rule>& rules, bool& all) {
  for (auto name : split(list, ',')) {
    name = trimmed(name);
    if (name == "all")
      all = true;
    else if (auto rule = rule_by_name(name))
      rules.insert(*rule);
  }
}

}  // namespace

Result<Settings> parse_settings(std::string_view text) {
  Settings settings;
  for (auto field : split(text, ';')) {
    field = trimmed(field);
    if (field.empty()) continue;
    auto equals = field.find('=');
    if (equals == field.npos) return bad(field);
    auto key = trimmed(field.substr(0, equals));
    auto value = trimmed(field.substr(equals + 1));
    if (key == "skip") {
      take_rules(value, settings.skip, settings.skip_all);
    } else if (key == "experimental") {
      take_rules(value, settings.experimental, settings.experimental_all);
    } else if (key == "error" && (value == "true" || value == "1")) {
      settings.error = true;
    } else if (key == "error" && (value == "false" || value == "0")) {
      settings.error = false;
    } else {
      return bad(field);
    }
  }
  return settings;
}

}  // namespace strata::lint

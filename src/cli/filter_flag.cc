#include "cli/filter_flag.h"

#include <algorithm>

namespace strata::cli {
namespace {

std::string without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

}  // namespace

Flag& add_filter(FlagSet& flags, std::vector<std::string>& filters, char shorthand,
                 std::string_view usage) {
  auto set = [&filters](std::string_view text) -> Result<void> {
    if (text.empty()) return {};
    auto equals = text.find('=');
    if (equals == std::string_view::npos)
      return Error(ErrorCode::InvalidArgument, "bad format of filter (expected name=value)");
    auto name = without_blanks(text.substr(0, equals));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    filters.push_back(name + '=' + without_blanks(text.substr(equals + 1)));
    return {};
  };
  return flags.add_value(set, "filter", "filter", shorthand, usage);
}

}  // namespace strata::cli

#include "engine/limit_texts.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/text.h"
#include "image/units.h"

namespace strata {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::int64_t kManyCpus = 1'000'000;  // more are refused like these

bool is_digits(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }

/// Of digits, or of none.
std::int64_t at_most(std::string_view digits, std::int64_t limit) {
  std::int64_t n = 0;
  auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return parsed.ec == std::errc::result_out_of_range ? limit : std::min(n, limit);
}

}  // namespace

Result<std::optional<std::int64_t>> parse_limit_size(const std::string& text) {
  if (text.empty() || text == "0") return std::optional<std::int64_t>();
  if (text == "-1") return std::optional<std::int64_t>(-1);
  return unless_zero(TRY(parse_ram_size(text)));
}

Result<std::int64_t> parse_cpus(const std::string& text) {
  if (text.empty()) return 0;
  std::string_view rest = text;
  bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  auto dot = std::min(rest.find('.'), rest.size());
  auto whole = rest.substr(0, dot);
  std::string fraction(rest.substr(std::min(dot + 1, rest.size())));
  if (!is_digits(whole) || !is_digits(fraction) || (whole.empty() && fraction.empty()))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("failed to parse {} as a rational number", text));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (fraction.size() > 9) return Error(ErrorCode::InvalidArgument, "value is too precise");
  fraction.resize(9, '0');
  auto nanos = at_most(whole, kManyCpus) * kNanos + at_most(fraction, kNanos);
  return negative ? -nanos : nanos;
}

}  // namespace strata

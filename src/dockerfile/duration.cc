#include "dockerfile/duration.h"

#include <fmt/core.h>

#include <limits>
#include <optional>
#include <string>

#include "base/text.h"
#include "dockerfile/detail/text.h"

namespace strata::dockerfile {
namespace {

constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;  // ns; reached only by the lowest negative

// As Go's time package quotes: bytes beyond ASCII one by one.
std::string quote_bytes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte < ' ') {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::optional<std::uint64_t> unit_ns(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1'000;  // both micro signs
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return std::nullopt;
}

// Takes the digits at the front; nothing if the number is too large.
std::optional<std::uint64_t> take_integer(std::string_view& text) {
  std::uint64_t value = 0;
  while (!text.empty() && is_digit(text[0])) {
    if (value > kLimit / 10) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text[0] - '0');
    if (value > kLimit) return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

// Takes the digits behind a point, as a fraction of 1. Digits beyond what fits change nothing.
double take_fraction(std::string_view& text) {
  double value = 0;
  double scale = 1;
  while (!text.empty() && is_digit(text[0])) {
    if (scale < 1e18) {
      value = value * 10 + (text[0] - '0');
      scale *= 10;
    }
    text.remove_prefix(1);
  }
  return value / scale;
}

std::string_view take_unit(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] != '.' && !is_digit(text[n])) n++;
  const std::string_view unit = text.substr(0, n);
  text.remove_prefix(n);
  return unit;
}

}  // namespace

Result<std::int64_t> parse_duration(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    return detail::invalid(fmt::format("time: {} {}", what, quote_bytes(text)));
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::int64_t{0};
  if (rest.empty()) return fail("invalid duration");
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const std::size_t before = rest.size();
    const auto whole = take_integer(rest);
    if (!whole) return fail("invalid duration");
    bool digits = rest.size() != before;
    double fraction = 0;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      digits = digits || (!rest.empty() && is_digit(rest[0]));
      fraction = take_fraction(rest);
    }
    if (!digits) return fail("invalid duration");
    const std::string_view unit = take_unit(rest);
    if (unit.empty()) return fail("missing unit in duration");
    const auto ns = unit_ns(unit);
    if (!ns) return fail(fmt::format("unknown unit {} in duration", quote_bytes(unit)));
    if (*whole > kLimit / *ns) return fail("invalid duration");
    // All terms are below 2^63 + 2^42: no overflow of 64 bits.
    total += *whole * *ns + static_cast<std::uint64_t>(fraction * static_cast<double>(*ns));
    if (total > kLimit) return fail("invalid duration");
  }
  if (negative) return static_cast<std::int64_t>(~total + 1);
  if (total == kLimit) return fail("invalid duration");
  return static_cast<std::int64_t>(total);
}

}  // namespace strata::dockerfile

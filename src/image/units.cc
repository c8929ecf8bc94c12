#include "image/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"
#include "image/go_quote.h"

namespace strata {
namespace {

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

// The power of 1024 that "k", "MiB", "gb" or "" stands for.
std::optional<int> ram_exponent(std::string_view unit) {
  std::string u(unit);
  for (char& c : u)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::string_view rest = u;
  int exponent = 0;
  if (!rest.empty()) {
    const std::size_t prefix = std::string_view("kmgtp").find(rest[0]);
    if (prefix != std::string_view::npos) {
      exponent = static_cast<int>(prefix) + 1;
      rest.remove_prefix(1);
    }
  }
  if (rest.starts_with('i')) rest.remove_prefix(1);
  if (rest.starts_with('b')) rest.remove_prefix(1);
  return rest.empty() ? std::optional(exponent) : std::nullopt;
}

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;  // magnitude of the lowest int64

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr auto kUnits = std::to_array<Unit>({
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // U+00B5, micro sign
    {"\xCE\xBCs", 1'000},  // U+03BC, Greek letter mu
    {"ms", 1'000'000},
    {"s", kSecond},
    {"m", 60 * kSecond},
    {"h", 3600 * kSecond},
});

Error bad_duration(const std::string& what, std::string_view text) {
  return Error(ErrorCode::InvalidArgument, "time: " + what + " duration " + go_quote(text));
}

// 0.<digits> of a unit, in Go's arithmetic: digits that no longer fit are dropped, the product is
// taken in double and cut.
std::uint64_t fraction_of(std::uint64_t unit, std::string_view digits) {
  std::uint64_t f = 0;
  double scale = 1;
  for (char c : digits) {
    if (f > (kLimit - 1) / 10) break;
    const std::uint64_t next = f * 10 + static_cast<std::uint64_t>(c - '0');
    if (next > kLimit) break;
    f = next;
    scale *= 10;
  }
  return static_cast<std::uint64_t>(static_cast<double>(f) * (static_cast<double>(unit) / scale));
}

// "1.5h" at the front of `rest`, in nanoseconds, at most kLimit.
Result<std::uint64_t> take_term(std::string_view& rest, std::string_view text) {
  const std::string_view whole = take_digits(rest);
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
  }
  if (whole.empty() && fraction.empty()) return bad_duration("invalid", text);

  const std::string_view name = rest.substr(0, rest.find_first_of(".0123456789"));
  if (name.empty()) return bad_duration("missing unit in", text);
  rest.remove_prefix(name.size());
  const auto unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == kUnits.end()) return bad_duration("unknown unit " + go_quote(name) + " in", text);

  std::uint64_t n = 0;
  if (!whole.empty() &&
      std::from_chars(whole.data(), whole.data() + whole.size(), n).ec != std::errc())
    return bad_duration("invalid", text);
  if (n > kLimit / unit->nanoseconds) return bad_duration("invalid", text);
  n *= unit->nanoseconds;

  n += fraction_of(unit->nanoseconds, fraction);
  if (n > kLimit) return bad_duration("invalid", text);
  return n;
}

// n / 10^decimals, with trailing zeros of the fraction cut.
std::string decimal(std::uint64_t n, int decimals) {
  std::string digits = std::to_string(n);
  const auto places = static_cast<std::size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  digits.insert(digits.size() - places, 1, '.');
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits;
}

}  // namespace

std::string human_size(std::int64_t bytes, int digits) {
  static constexpr std::string_view kNames[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000.0 && unit + 1 < std::size(kNames)) {
    size /= 1000.0;
    unit++;
  }
  return fmt::format("{:.{}g}{}", size, digits, kNames[unit]);
}

std::string human_duration(std::int64_t seconds) {
  seconds =
      std::min<std::int64_t>(seconds, std::numeric_limits<std::int64_t>::max() / 1'000'000'000);
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  const std::int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  const std::int64_t hours = (seconds + 1800) / 3600;
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", seconds / 3600 / 24 / 365);
}

Result<std::int64_t> parse_ram_size(std::string_view text) {
  auto bad = [&] {
    return Error(ErrorCode::InvalidArgument, "invalid size: '" + std::string(text) + "'");
  };
  std::string_view rest = text;
  if (take_digits(rest).empty()) return bad();
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (take_digits(rest).empty()) return bad();
  }
  double size = 0;
  const char* end = text.data() + (text.size() - rest.size());
  if (std::from_chars(text.data(), end, size).ec != std::errc()) return bad();
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto exponent = ram_exponent(rest);
  if (!exponent) return bad();
  size *= static_cast<double>(std::int64_t{1} << (10 * *exponent));
  if (size >= 0x1p63) return bad();
  return static_cast<std::int64_t>(size);
}

Result<std::int64_t> parse_go_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::int64_t{0};
  if (rest.empty()) return bad_duration("invalid", text);
  std::uint64_t total = 0;
  while (!rest.empty()) {
    total += TRY(take_term(rest, text));
    if (total > kLimit) return bad_duration("invalid", text);
  }
  if (negative) return static_cast<std::int64_t>(~total + 1);
  if (total == kLimit) return bad_duration("invalid", text);
  return static_cast<std::int64_t>(total);
}

std::string go_duration(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const std::string sign = nanoseconds < 0 ? "-" : "";
  auto n = static_cast<std::uint64_t>(nanoseconds);
  if (nanoseconds < 0) n = ~n + 1;
  if (n < 1'000) return sign + decimal(n, 0) + "ns";
  if (n < 1'000'000) return sign + decimal(n, 3) + "\xC2\xB5s";
  if (n < kSecond) return sign + decimal(n, 6) + "ms";
  const std::uint64_t minutes = n / (60 * kSecond);
  std::string s = sign;
  if (minutes >= 60) s += std::to_string(minutes / 60) + 'h';
  if (minutes > 0) s += std::to_string(minutes % 60) + 'm';
  return s + decimal(n % (60 * kSecond), 9) + 's';
}

}  // namespace strata

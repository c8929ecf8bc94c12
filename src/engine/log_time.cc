#include "engine/log_time.h"

#include <charconv>
#include <optional>
#include <string>

#include "base/text.h"

namespace strata {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMaxSeconds = 9'000'000'000;  // what nanoseconds in 64 bits can count

/// "12.5" at the begin of `text`, in billionths, and takes it off.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t whole = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error != std::errc() || whole < 0 || whole > kMaxSeconds) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  std::int64_t value = whole * kSecond;
  if (!text.starts_with('.')) return value;
  text.remove_prefix(1);
  for (std::int64_t unit = kSecond / 10; !text.empty() && is_digit(text[0]); unit /= 10) {
    value += unit * (text[0] - '0');
    text.remove_prefix(1);
  }
  return value;
}

/// Seconds of the unit at the begin of `text`, per thousand.
std::optional<std::int64_t> take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  for (const auto& unit :
       {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}}) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.milliseconds;
  }
  return std::nullopt;
}

/// In milliseconds; finer units make no sense here.
std::optional<std::int64_t> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    auto number = take_number(text);
    auto unit = number ? take_unit(text) : std::nullopt;
    if (!unit) return std::nullopt;
    // Thousandths are enough of the number, and keep the product in range.
    std::int64_t part = 0;
    if (__builtin_mul_overflow(*number / (kSecond / 1000), *unit, &part) ||
        __builtin_add_overflow(total, part / 1000, &total))
      return std::nullopt;
  }
  return total;
}

Time before(Time now, std::int64_t milliseconds) {
  Time then{now.seconds - milliseconds / 1000, now.nanoseconds};
  auto nanoseconds = now.nanoseconds - milliseconds % 1000 * 1'000'000;
  if (nanoseconds < 0) {
    nanoseconds += kSecond;
    then.seconds--;
  }
  then.nanoseconds = static_cast<std::int32_t>(nanoseconds);
  return then;
}

}  // namespace

Result<Time> parse_log_time(std::string_view text, Time now) {
  auto rest = text;
  if (auto seconds = take_number(rest); seconds && rest.empty())
    return Time{*seconds / kSecond, static_cast<std::int32_t>(*seconds % kSecond)};
  if (auto ago = parse_duration(text)) return before(now, *ago);
  for (const char* missing : {"", "Z", ":00Z", "T00:00:00Z"})
    if (auto time = Time::parse(std::string(text) + missing)) return time;
  return Error(ErrorCode::InvalidArgument,
               fmt::format("failed to parse value as time or duration: \"{}\"", text));
}

Result<Time> parse_age(std::string_view text, Time now) {
  constexpr std::int64_t kDay = 24 * 3600;
  auto rest = text;
  if (auto days = take_number(rest); days && rest == "d" && *days / kSecond < kMaxSeconds / kDay)
    return before(now, *days / (kSecond / 1000) * kDay);
  if (auto age = parse_duration(text)) return before(now, *age);
  return Error(
      ErrorCode::InvalidArgument,
      fmt::format("invalid duration \"{}\": use hours or days, such as 720h or 30d", text));
}

}  // namespace strata

#include "base/clock.h"

#include <charconv>
#include <ctime>

namespace strata {
namespace {

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back
// (the usual era arithmetic: 146,097 days in 400 years, years starting in March).
std::int64_t days_from_civil(std::int64_t y, int m, int d) {
  y -= m <= 2 ? 1 : 0;
  std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  std::int64_t yoe = y - era * 400;
  std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

struct Date {
  std::int64_t year;
  int month;
  int day;
};

Date civil_from_days(std::int64_t z) {
  z += 719468;
  std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  std::int64_t doe = z - era * 146097;
  std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  std::int64_t mp = (5 * doy + 2) / 153;
  auto day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  auto month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

/// Takes exactly `n` decimal digits off the front; -1 if they are not there.
int take_digits(std::string_view& text, std::size_t n) {
  if (text.size() < n) return -1;
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + n, value);
  if (error != std::errc() || end != text.data() + n || text[0] == '-') return -1;
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Time Time::now() {
  timespec ts = {};
  ::clock_gettime(CLOCK_REALTIME, &ts);
  return {ts.tv_sec, static_cast<std::int32_t>(ts.tv_nsec)};
}

std::string Time::str() const {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    days--;
  }
  Date date = civil_from_days(days);
  auto out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                         rest / 3600, rest / 60 % 60, rest % 60);
  if (nanoseconds != 0) {
    auto fraction = fmt::format(".{:09}", nanoseconds);
    out += fraction.substr(0, fraction.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

Result<Time> Time::parse(std::string_view text) {
  Error bad(ErrorCode::InvalidArgument, fmt::format("invalid time \"{}\"", text));
  int year = take_digits(text, 4);
  bool ok = year >= 0 && take(text, '-');
  int month = ok ? take_digits(text, 2) : -1;
  ok = ok && month >= 1 && month <= 12 && take(text, '-');
  int day = ok ? take_digits(text, 2) : -1;
  ok = ok && day >= 1 && day <= 31 && (take(text, 'T') || take(text, 't'));
  int hour = ok ? take_digits(text, 2) : -1;
  ok = ok && hour >= 0 && hour < 24 && take(text, ':');
  int minute = ok ? take_digits(text, 2) : -1;
  ok = ok && minute >= 0 && minute < 60 && take(text, ':');
  int second = ok ? take_digits(text, 2) : -1;
  if (!ok || second < 0 || second > 60) return bad;

  Time t;
  if (take(text, '.')) {
    std::int32_t scale = 100'000'000;
    bool any = false;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) {
      t.nanoseconds += scale * (text[0] - '0');
      scale /= 10;
      any = true;
    }
    if (!any) return bad;
  }
  int offset = 0;
  if (!take(text, 'Z') && !take(text, 'z')) {
    int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
    int zone_hour = take_digits(text, 2);
    if (sign == 0 || zone_hour < 0 || !take(text, ':')) return bad;
    int zone_minute = take_digits(text, 2);
    if (zone_minute < 0) return bad;
    offset = sign * (zone_hour * 60 + zone_minute) * 60;
  }
  if (!text.empty()) return bad;
  t.seconds =
      days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  return t;
}

}  // namespace strata

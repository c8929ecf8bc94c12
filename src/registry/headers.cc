#include "registry/detail/headers.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "http/client.h"

namespace strata::registry::detail {

std::optional<std::int64_t> range_start(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  std::int64_t start = -1;
  std::from_chars(text.data() + kUnit.size(), text.data() + text.size(), start);
  if (start < 0) return std::nullopt;
  return start;
}

std::string next_page(std::string_view link) {
  auto begin = link.find('<');
  auto end = link.find('>', begin == std::string_view::npos ? 0 : begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return "";
  if (link.find("next", end) == std::string_view::npos) return "";
  return std::string(link.substr(begin + 1, end - begin - 1));
}

std::optional<std::chrono::seconds> wait_asked_for(const std::string& text) {
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  if (auto read = std::from_chars(text.data(), end, seconds);
      read.ec == std::errc() && read.ptr == end && seconds >= 0)
    return std::chrono::seconds(std::min<std::int64_t>(seconds, 1'000'000));
  auto date = http::parse_http_date(text);
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::max<std::int64_t>(date->seconds - Time::now().seconds, 0));
}

}  // namespace strata::registry::detail

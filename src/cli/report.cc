#include "cli/report.h"

#include <array>
#include <ctime>

#include "base/clock.h"
#include "image/units.h"

namespace strata::cli {

Error from_daemon(Error error) {
  error.add_context("Error response from daemon");
  return error;
}

EngineOptions engine_options(const Call& call) {
  EngineOptions options;
  options.root = call.globals.root;
  options.lazy = call.globals.durability == "lazy";
  return options;
}

std::string ago(std::int64_t seconds_since_epoch) {
  return human_duration(Time::now().seconds - seconds_since_epoch) + " ago";
}

namespace {

std::string format_local(std::int64_t seconds, const char* format) {
  auto when = static_cast<std::time_t>(seconds);
  std::tm local = {};
  ::localtime_r(&when, &local);
  std::array<char, 64> text{};
  std::size_t n = std::strftime(text.data(), text.size(), format, &local);
  return {text.data(), n};
}

}  // namespace

std::string local_time(std::int64_t seconds_since_epoch) {
  return format_local(seconds_since_epoch, "%Y-%m-%d %H:%M:%S %z %Z");
}

std::string local_rfc3339(std::int64_t seconds_since_epoch) {
  auto text = format_local(seconds_since_epoch, "%Y-%m-%dT%H:%M:%S%z");
  if (text.ends_with("+0000")) return text.substr(0, text.size() - 5) + "Z";
  return text.insert(text.size() - 2, ":");
}

std::string short_id(std::string_view id) {
  if (id.starts_with("sha256:")) id.remove_prefix(7);
  return std::string(id.substr(0, 12));
}

std::string ellipsis(std::string_view text, std::size_t width) {
  // Characters, not bytes: a UTF-8 sequence counts once and is never cut.
  std::size_t count = 0;
  std::size_t cut = text.size();
  for (std::size_t i = 0; i < text.size(); i++) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (count == width - 1) cut = i;
    count++;
  }
  if (count <= width) return std::string(text);
  return std::string(text.substr(0, cut)) + "…";
}

}  // namespace strata::cli

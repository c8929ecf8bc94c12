#include "progress/download_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/units.h"

namespace strata::progress {
namespace {

constexpr std::int64_t kBarWidth = 50;  // columns

}  // namespace

std::string progress_bar(std::int64_t bytes, std::optional<std::int64_t> total) {
  std::int64_t whole = total.value_or(0);
  if (bytes <= 0 && whole <= 0) return "";
  std::string count = fmt::format("{:>8}", human_size(bytes));
  if (whole <= 0) return count;
  auto done = std::min(
      kBarWidth,
      static_cast<std::int64_t>(static_cast<double>(bytes) / static_cast<double>(whole) * 100) / 2);
  if (bytes <= whole) count += '/' + human_size(whole);
  return fmt::format("[{}>{}] {}", std::string(static_cast<std::size_t>(done), '='),
                     std::string(static_cast<std::size_t>(kBarWidth - done), ' '), count);
}

std::string download_text(const Download& download, bool terminal) {
  auto bar = progress_bar(download.bytes, download.total);
  if (download.step) return terminal && !bar.empty() ? "\x1b[2K\rDownloading " + bar + '\r' : "";
  std::string text =
      fmt::format("Downloading build context from remote url: {} {}\r", download.url, bar);
  if (bar.empty()) text += '\n';
  if (download.last) text += "\r\n";
  return text;
}

}  // namespace strata::progress

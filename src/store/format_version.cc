#include "store/format_version.h"

#include <charconv>

#include "base/io.h"

namespace strata {
namespace {

constexpr const char* kFile = "version";

/// Emptied by a power cut it says as much as if it were not there.
std::string read_version(int own_dir) {
  auto text = read_file(own_dir, kFile, 4096);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace

Result<bool> check_format_version(int own_dir) {
  auto text = read_version(own_dir);
  if (text.empty()) return false;
  int version = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  bool is_number = error == std::errc() && end == text.data() + text.size();
  if (is_number && version <= kFormatVersion) return true;
  return Error(ErrorCode::Unsupported,
               fmt::format("strata/version: the store is of version {}, this strata knows only {}: "
                           "use a newer strata",
                           is_number ? text : fmt::format("\"{}\"", text), kFormatVersion));
}

Result<void> write_format_version(int own_dir) {
  return write_file_atomic(own_dir, kFile, std::to_string(kFormatVersion) + '\n', 0600);
}

}  // namespace strata

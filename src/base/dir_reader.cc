#include "base/dir_reader.h"

#include <dirent.h>

#include <cerrno>
#include <cstring>

namespace strata {
namespace {

constexpr std::size_t kReadBuffer = 65536;

}  // namespace

struct alignas(dirent64) DirReader::Buffer {
  char bytes[kReadBuffer];
};

DirReader::DirReader() : buffer_(std::make_unique_for_overwrite<Buffer>()) {}
DirReader::~DirReader() = default;

Result<void> DirReader::read(int dir, const Visitor& visit) {
  while (true) {
    ssize_t size = ::getdents64(dir, buffer_->bytes, kReadBuffer);
    if (size < 0 && errno == ENOENT) return {};  // removed since it was opened
    if (size < 0) return Error::from_errno(errno, "read directory");
    if (size == 0) return {};
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer_->bytes + at);
      at += entry->d_reclen;
      const char* name = entry->d_name;
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      TRY(visit(name, entry->d_type));
    }
  }
}

}  // namespace strata

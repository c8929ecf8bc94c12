#include "transfer/detail/blob_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/io.h"
#include "store/kept_blobs.h"

namespace strata::transfer::detail {
namespace {

constexpr const char* kBlobs = "blobs";
constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr std::int64_t kOldSeconds = std::int64_t{7} * 24 * 3600;

/// flock(2) cannot be waited for and cancelled, so it is tried again and again.
Result<void> lock(int fd, const std::stop_token& stop) {
  while (::flock(fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Error::from_errno(errno, "flock a blob");
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

}  // namespace

Result<BlobFile> BlobFile::open(int own_dir, const Digest& digest, const std::stop_token& stop) {
  TRY(make_dirs(own_dir, kBlobs, 0700));
  auto dir = TRY(open_dir(own_dir, kBlobs));
  const auto name = digest.hex();
  for (;;) {
    auto fd = TRY(open_at(dir.get(), name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    TRY(lock(fd.get(), stop));
    struct stat st = {};
    if (::fstat(fd.get(), &st) < 0) return Error::from_errno(errno, "stat a blob");
    // Its last user may have taken it away while we waited.
    if (st.st_nlink == 0) continue;
    // One that is kept takes the place of ours, which nobody will look at any more.
    if (st.st_size == 0 &&
        ::renameat(dir.get(), ("kept/" + name).c_str(), dir.get(), name.c_str()) == 0)
      continue;
    return BlobFile(own_dir, digest, std::move(dir), std::move(fd));
  }
}

Result<std::int64_t> BlobFile::size() const {
  struct stat st = {};
  if (::fstat(fd_.get(), &st) < 0) return Error::from_errno(errno, "stat a blob");
  return st.st_size;
}

Result<void> BlobFile::write(std::int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "write blob " + name_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return {};
}

Result<void> BlobFile::clear() {
  if (::ftruncate(fd_.get(), 0) < 0) return Error::from_errno(errno, "truncate blob " + name_);
  return {};
}

void BlobFile::keep() {
  if (!keep_blob(own_dir_, name_, digest_)) remove();
}

void BlobFile::remove() { ::unlinkat(dir_.get(), name_.c_str(), 0); }

void remove_old_blobs(int own_dir) {
  auto dir = open_dir(own_dir, kBlobs);
  if (!dir) return;
  auto names = list_dir(dir->get());
  if (!names) return;
  for (const auto& name : *names) {
    auto fd = open_at(dir->get(), name, O_RDWR | O_NOFOLLOW);
    if (!fd || ::flock(fd->get(), LOCK_EX | LOCK_NB) < 0) continue;
    struct stat st = {};
    if (::fstat(fd->get(), &st) == 0 && st.st_mtim.tv_sec + kOldSeconds < Time::now().seconds)
      ::unlinkat(dir->get(), name.c_str(), 0);
  }
}

}  // namespace strata::transfer::detail

#include "base/file_lock.h"

#include <sys/file.h>

#include <cerrno>

#include "base/io.h"

namespace strata {
namespace {

Result<UniqueFd> lock(int dir, const std::string& name, FileLock::Mode mode, int extra) {
  auto fd = TRY(open_at(dir, name, O_RDWR | O_CREAT, 0600));
  int operation = (mode == FileLock::Mode::Shared ? LOCK_SH : LOCK_EX) | extra;
  while (::flock(fd.get(), operation) < 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return Error(ErrorCode::Conflict, name + " is locked");
    return Error::from_errno(errno, "lock " + name);
  }
  return fd;
}

}  // namespace

Result<FileLock> FileLock::acquire(int dir, const std::string& name, Mode mode) {
  return FileLock(TRY(lock(dir, name, mode, 0)));
}

Result<FileLock> FileLock::try_acquire(int dir, const std::string& name, Mode mode) {
  return FileLock(TRY(lock(dir, name, mode, LOCK_NB)));
}

}  // namespace strata

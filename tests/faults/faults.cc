// Linked into build/release/strata_faults only, never into strata: the linker turns every call of
// ours that changes a file system into a call of the function below with the same name and
// "__wrap_" before it (--wrap, CMakeLists.txt beside this file). So no write, rename, link, mkdir
// or sync can be forgotten, and the engine knows nothing of it. Each such call is a point; they are
// counted from 1.
//
//   STRATA_FAULT_LOG=FILE   one line for each point: its name and what it names
//   STRATA_FAULT_AT=N       at point N, what STRATA_FAULT_DO says:
//     kill     SIGKILL; a write gets half of its bytes out before
//     power    as kill, and every file below STRATA_FAULT_ROOT whose contents no sync has reached
//     is
//              emptied: what a file system with delayed allocation shows after a power cut
//     enospc   from there on nothing grows: calls that need room fail with ENOSPC
//     eio      that one call fails with EIO
//     stop     SIGSTOP: whoever waits for the process sees it, does something, and lets it go on
//
// The variables are for this process, not for those that it starts.

#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <utility>

// The real functions, by the names that --wrap gives them.
#define STRATA_REAL(result, name, ...)          \
  extern "C" result __real_##name(__VA_ARGS__); \
  extern "C" result __wrap_##name(__VA_ARGS__)

extern "C" int __real_openat(int, const char*, int, ...);
extern "C" long __real_syscall(long, ...);
extern "C" ssize_t __real_write(int, const void*, size_t);

namespace {

enum class Act { Nothing, Kill, Power, Full, Once, Stop };
enum class Need { Room, Nothing };  // what a full disk refuses

using Inode = std::pair<dev_t, ino_t>;

std::string take(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

timespec now() {
  timespec t = {};
  // Not the coarse clock: since Linux 6.13 files are born later than it says.
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t;
}

Act act_named(const std::string& name) {
  if (name == "kill") return Act::Kill;
  if (name == "power") return Act::Power;
  if (name == "enospc") return Act::Full;
  if (name == "stop") return Act::Stop;
  return name == "eio" ? Act::Once : Act::Nothing;
}

struct State {
  std::atomic<long> points = 0;
  long fault_at = std::atol(take("STRATA_FAULT_AT").c_str());
  Act act = act_named(take("STRATA_FAULT_DO"));
  std::string power_root = take("STRATA_FAULT_ROOT");
  int log_file = -1;
  pid_t process = ::getpid();
  std::mutex mutex;
  std::set<Inode> dirty;   // written since the last sync
  std::set<Inode> synced;  // by an fsync since the last sync
  timespec last_sync = now();

  State() {
    if (auto path = take("STRATA_FAULT_LOG"); !path.empty())
      log_file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
};

/// Made by the first point: libraries have some before main(). Never destroyed.
State& state() {
  static State& the = *new State;
  return the;
}

bool is_new(const struct statx_timestamp& born) {
  return born.tv_sec != state().last_sync.tv_sec
             ? born.tv_sec > state().last_sync.tv_sec
             : static_cast<long>(born.tv_nsec) > state().last_sync.tv_nsec;
}

/// Also files that a child of ours made, a RUN for example: those born since the last sync.
int empty_if_unsynced(const char* path, const struct stat* st, int, struct FTW*) {
  if (!S_ISREG(st->st_mode)) return 0;
  Inode inode{st->st_dev, st->st_ino};
  struct statx more = {};
  ::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &more);
  bool is_born = (more.stx_mask & STATX_BTIME) != 0 && is_new(more.stx_btime);
  if (state().dirty.contains(inode) || (is_born && !state().synced.contains(inode)))
    (void)!::truncate(path, 0);
  return 0;
}

[[noreturn]] void end() {
  if (state().act == Act::Power) {
    std::lock_guard guard(state().mutex);
    ::nftw(state().power_root.c_str(), empty_if_unsynced, 64, FTW_PHYS);
  }
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

/// One point. False: the call is to fail with errno as set. With `is_end` it is the caller who
/// ends.
bool point(const char* call, const std::string& name, Need need, bool* is_end = nullptr) {
  if (state().fault_at == 0 && state().log_file < 0) return true;
  if (::getpid() != state().process) return true;  // forked, and not yet another program
  long at = ++state().points;
  if (state().log_file >= 0) {
    auto line = std::to_string(at) + ' ' + call + ' ' + name + '\n';
    (void)!__real_write(state().log_file, line.data(), line.size());
  }
  if (state().fault_at == 0 || at < state().fault_at) return true;
  switch (state().act) {
    case Act::Nothing:
      return true;
    case Act::Kill:
    case Act::Power:
      if (at != state().fault_at) return true;
      if (is_end == nullptr) end();
      *is_end = true;
      return true;
    case Act::Full:
      if (need == Need::Nothing) return true;
      errno = ENOSPC;
      return false;
    case Act::Once:
      if (at != state().fault_at) return true;
      errno = EIO;
      return false;
    case Act::Stop:
      if (at == state().fault_at) ::kill(::getpid(), SIGSTOP);
      return true;
  }
  return true;
}

bool is_file(int fd, struct stat& st) { return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode); }

std::string path_of(int fd) {
  std::array<char, 512> text{};
  auto link = "/proc/self/fd/" + std::to_string(fd);
  auto n = ::readlink(link.c_str(), text.data(), text.size());
  return n > 0 ? std::string(text.data(), static_cast<size_t>(n)) : std::string();
}

std::string name_for_log(int fd) { return state().log_file >= 0 ? path_of(fd) : std::string(); }

/// Making what is there already changes nothing.
bool is_absent(int dir, const char* path) {
  return ::faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

void note_write(const struct stat& st) {
  if (state().act != Act::Power) return;
  std::lock_guard guard(state().mutex);
  state().dirty.insert({st.st_dev, st.st_ino});
  state().synced.erase({st.st_dev, st.st_ino});
}

}  // namespace

STRATA_REAL(ssize_t, write, int fd, const void* bytes, size_t size) {
  struct stat st = {};
  if (!is_file(fd, st)) return __real_write(fd, bytes, size);
  bool is_end = false;
  if (!point("write", name_for_log(fd), Need::Room, &is_end)) return -1;
  note_write(st);
  if (is_end) {
    (void)!__real_write(fd, bytes, size / 2);
    end();
  }
  return __real_write(fd, bytes, size);
}

STRATA_REAL(ssize_t, copy_file_range, int in, off_t* in_at, int out, off_t* out_at, size_t size,
            unsigned flags) {
  struct stat st = {};
  if (is_file(out, st)) {
    if (!point("copy_file_range", name_for_log(out), Need::Room)) return -1;
    note_write(st);
  }
  return __real_copy_file_range(in, in_at, out, out_at, size, flags);
}

STRATA_REAL(int, ftruncate, int fd, off_t size) {
  struct stat st = {};
  if (is_file(fd, st)) {
    if (!point("ftruncate", name_for_log(fd), Need::Room)) return -1;
    note_write(st);
  }
  return __real_ftruncate(fd, size);
}

extern "C" int __wrap_openat(int dir, const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = static_cast<mode_t>(va_arg(rest, int));
    va_end(rest);
  }
  bool is_change = (flags & O_TRUNC) != 0 || ((flags & O_CREAT) != 0 && is_absent(dir, path));
  if (is_change && !point("open", path, Need::Room)) return -1;
  int fd = __real_openat(dir, path, flags, mode);
  struct stat st = {};
  if (fd >= 0 && (flags & O_TRUNC) != 0 && is_file(fd, st)) note_write(st);
  return fd;
}

extern "C" long __wrap_syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  std::array<long, 6> words{};
  for (auto& word : words) word = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_openat2) {
    const auto* how = reinterpret_cast<const open_how*>(words[2]);
    if ((how->flags & (O_CREAT | O_TRUNC)) != 0 &&
        !point("open", reinterpret_cast<const char*>(words[1]), Need::Room))
      return -1;
  }
  return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

STRATA_REAL(int, fsync, int fd) {
  if (!point("fsync", name_for_log(fd), Need::Nothing)) return -1;
  int result = __real_fsync(fd);
  struct stat st = {};
  if (result == 0 && state().act == Act::Power && is_file(fd, st)) {
    std::lock_guard guard(state().mutex);
    state().dirty.erase({st.st_dev, st.st_ino});
    state().synced.insert({st.st_dev, st.st_ino});
  }
  return result;
}

STRATA_REAL(int, syncfs, int fd) {
  if (!point("syncfs", "", Need::Nothing)) return -1;
  std::lock_guard guard(state().mutex);
  state().dirty.clear();
  state().synced.clear();
  state().last_sync = now();
  // The files stay in memory: for a simulated power cut that is as good, and for a kill it is the
  // same.
  return state().power_root.empty() ? __real_syncfs(fd) : 0;
}

#define STRATA_POINT(name, text, need, parameters, arguments) \
  STRATA_REAL(int, name, parameters) {                        \
    if (!point(#name, text, need)) return -1;                 \
    return __real_##name(arguments);                          \
  }
#define P(...) __VA_ARGS__

STRATA_REAL(int, mkdir, const char* path, mode_t mode) {
  if (is_absent(AT_FDCWD, path) && !point("mkdir", path, Need::Room)) return -1;
  return __real_mkdir(path, mode);
}

STRATA_REAL(int, mkdirat, int dir, const char* path, mode_t mode) {
  if (is_absent(dir, path) && !point("mkdirat", path, Need::Room)) return -1;
  return __real_mkdirat(dir, path, mode);
}

STRATA_POINT(mknodat, path, Need::Room, P(int dir, const char* path, mode_t mode, dev_t dev),
             P(dir, path, mode, dev))
STRATA_POINT(symlinkat, path, Need::Room, P(const char* target, int dir, const char* path),
             P(target, dir, path))
STRATA_POINT(linkat, b, Need::Room, P(int from, const char* a, int to, const char* b, int flags),
             P(from, a, to, b, flags))
STRATA_POINT(rename, b, Need::Nothing, P(const char* a, const char* b), P(a, b))
STRATA_POINT(renameat, b, Need::Nothing, P(int from, const char* a, int to, const char* b),
             P(from, a, to, b))
STRATA_POINT(renameat2, b, Need::Nothing,
             P(int from, const char* a, int to, const char* b, unsigned flags),
             P(from, a, to, b, flags))
STRATA_POINT(unlink, path, Need::Nothing, P(const char* path), P(path))
STRATA_POINT(unlinkat, path, Need::Nothing, P(int dir, const char* path, int flags),
             P(dir, path, flags))
STRATA_POINT(rmdir, path, Need::Nothing, P(const char* path), P(path))
STRATA_POINT(fchmod, "", Need::Nothing, P(int fd, mode_t mode), P(fd, mode))
STRATA_POINT(fchmodat, path, Need::Nothing, P(int dir, const char* path, mode_t mode, int flags),
             P(dir, path, mode, flags))
STRATA_POINT(fchown, "", Need::Nothing, P(int fd, uid_t uid, gid_t gid), P(fd, uid, gid))
STRATA_POINT(fchownat, path, Need::Nothing,
             P(int dir, const char* path, uid_t uid, gid_t gid, int flags),
             P(dir, path, uid, gid, flags))
STRATA_POINT(futimens, "", Need::Nothing, P(int fd, const timespec* times), P(fd, times))
STRATA_POINT(utimensat, path, Need::Nothing,
             P(int dir, const char* path, const timespec* times, int flags),
             P(dir, path, times, flags))
STRATA_POINT(setxattr, path, Need::Room,
             P(const char* path, const char* name, const void* value, size_t size, int flags),
             P(path, name, value, size, flags))
STRATA_POINT(lsetxattr, path, Need::Room,
             P(const char* path, const char* name, const void* value, size_t size, int flags),
             P(path, name, value, size, flags))
STRATA_POINT(lremovexattr, path, Need::Nothing, P(const char* path, const char* name),
             P(path, name))
STRATA_POINT(mount, to, Need::Nothing,
             P(const char* from, const char* to, const char* type, unsigned long flags,
               const void* data),
             P(from, to, type, flags, data))
STRATA_POINT(umount2, path, Need::Nothing, P(const char* path, int flags), P(path, flags))

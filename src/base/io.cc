#include "base/io.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "base/dir_reader.h"
#include "base/file_draft.h"

namespace strata {

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Error::from_errno(errno, "write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::size_t> read_full(int fd, void* buffer, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    ssize_t n = ::read(fd, static_cast<char*>(buffer) + done, size - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      return Error::from_errno(errno, "read");
    }
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

namespace {

/// As read_full(), but that a file ends at its size need not be tried out.
Result<std::size_t> read_ahead(int fd, char* buffer, std::size_t size, std::size_t known) {
  ssize_t n = ::read(fd, buffer, size);
  if (n > 0 && static_cast<std::size_t>(n) == known) return known;
  if (n < 0 && errno != EINTR) return Error::from_errno(errno, "read");
  auto done = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  return done + TRY(read_full(fd, buffer + done, size - done));
}

}  // namespace

Result<std::string> read_all(int fd, std::size_t limit) {
  struct stat st = {};
  std::size_t guess = 4096;
  std::size_t known = 0;  // its size, unless it is one of /proc, which say 0
  if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    known = static_cast<std::size_t>(st.st_size);
    guess = std::min(limit, known) + 1;
  }
  std::string out;
  while (true) {
    std::size_t old = out.size();
    out.resize(old + guess);
    std::size_t n = TRY(read_ahead(fd, out.data() + old, guess, old == 0 ? known : 0));
    out.resize(old + n);
    if (out.size() > limit)
      return Error(ErrorCode::Corrupt, fmt::format("larger than {} bytes", limit));
    if (n < guess) return out;
    guess = std::min(std::max<std::size_t>(out.size(), 4096), limit - out.size() + 1);
  }
}

Result<std::string> read_file(int dir, const std::string& name, std::size_t limit) {
  auto fd = TRY(open_at(dir, name, O_RDONLY));
  return read_all(fd.get(), limit).context("{}", name);
}

Result<std::string> read_small(int dir, const std::string& name) {
  constexpr std::size_t kLimit = 4096;
  std::array<char, kLimit + 1> buffer;
  auto fd = TRY(open_at(dir, name, O_RDONLY));
  ssize_t n = 0;
  do {
    n = ::read(fd.get(), buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Error::from_errno(errno, "read " + name);
  if (static_cast<std::size_t>(n) > kLimit)
    return Error(ErrorCode::Corrupt, fmt::format("{}: larger than {} bytes", name, kLimit));
  return std::string(buffer.data(), static_cast<std::size_t>(n));
}

Result<void> write_file(int dir, const std::string& name, std::string_view bytes, mode_t mode) {
  auto fd = TRY(open_at(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  TRY(write_all(fd.get(), bytes).context("{}", name));
  if (::fchmod(fd.get(), mode) < 0) return Error::from_errno(errno, "chmod " + name);
  return {};
}

Result<void> write_file_atomic(int dir, const std::string& name, std::string_view bytes,
                               mode_t mode, bool sync) {
  auto draft = TRY(FileDraft::write(dir, name, bytes, mode));
  if (sync) TRY(draft.sync());
  return draft.publish(sync);
}

namespace {

/// False where the directory above is missing.
Result<bool> make_dir(int dir, const std::string& path, mode_t mode) {
  if (::mkdirat(dir, path.c_str(), mode) == 0) {
    if (::fchmodat(dir, path.c_str(), mode, 0) < 0)
      return Error::from_errno(errno, "chmod " + path);
    return true;
  }
  if (errno == ENOENT) return false;
  if (errno != EEXIST) return Error::from_errno(errno, "mkdir " + path);
  return true;
}

}  // namespace

Result<void> make_dirs(int dir, const std::string& path, mode_t mode) {
  if (TRY(make_dir(dir, path, mode))) return {};  // as a rule only the last one may be missing
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    (void)TRY(make_dir(dir, path.substr(0, end), mode));
  if (!TRY(make_dir(dir, path, mode))) return Error::from_errno(ENOENT, "mkdir " + path);
  return {};
}

Result<UniqueFd> open_at(int dir, const std::string& name, int flags, mode_t mode) {
  while (true) {
    int fd = ::openat(dir, name.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return UniqueFd(fd);
    if (errno != EINTR) return Error::from_errno(errno, "open " + name);
  }
}

Result<UniqueFd> open_dir(int dir, const std::string& name) {
  return open_at(dir, name, O_RDONLY | O_DIRECTORY);
}

namespace {

Result<std::vector<std::string>> read_names(int dir_fd) {
  std::vector<std::string> names;
  auto add = [&](const char* name, unsigned char) -> Result<void> {
    names.emplace_back(name);
    return {};
  };
  TRY(DirReader().read(dir_fd, add));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::vector<std::string>> list_dir(int dir_fd) {
  // A descriptor of its own, because reading moves the shared offset.
  return list_dir(dir_fd, ".");
}

Result<std::vector<std::string>> list_dir(int dir, const std::string& name) {
  auto own = TRY(open_dir(dir, name));
  return read_names(own.get());
}

Result<std::vector<DirectoryEntry>> read_entries(int dir_fd) {
  std::vector<DirectoryEntry> entries;
  auto add = [&](const char* name, unsigned char type) -> Result<void> {
    entries.push_back({name, type == DT_DIR});
    return {};
  };
  TRY(DirReader().read(dir_fd, add));
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<struct stat> stat_at(int dir, const std::string& name) {
  struct stat st = {};
  if (::fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno(errno, "lstat " + name);
  return st;
}

Result<std::string> read_link_at(int dir, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  ssize_t n = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  if (n < 0) return Error::from_errno(errno, "readlink " + name);
  return std::string(target.data(), static_cast<std::size_t>(n));
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error::from_errno(errno, "duplicate descriptor");
  return copy;
}

}  // namespace strata

#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace strata {

/// Small-file and whole-buffer helpers over file descriptors. `dir` is always a directory fd (or
/// AT_FDCWD), `name` a path that the caller trusts. EINTR is retried everywhere.

/// Writes all of `bytes`, however many write(2) calls that takes.
Result<void> write_all(int fd, std::string_view bytes);

/// Reads up to `size` bytes; fewer only at the end of the file.
Result<std::size_t> read_full(int fd, void* buffer, std::size_t size);

/// The whole of an open file, at most `limit` bytes: a larger one is Corrupt.
Result<std::string> read_all(int fd, std::size_t limit = std::size_t{64} << 20);

/// The whole file `name`. NotFound if absent.
Result<std::string> read_file(int dir, const std::string& name,
                              std::size_t limit = std::size_t{64} << 20);

/// The same for a file of the store that is only ever replaced as a whole, in three system calls:
/// one read(2) gives all of it. Corrupt if it is larger than 4 KiB.
Result<std::string> read_small(int dir, const std::string& name);

/// Creates or truncates `name` with exactly `mode`, whatever the umask. Not atomic.
Result<void> write_file(int dir, const std::string& name, std::string_view bytes, mode_t mode);

/// Replaces `name` by rename of a complete temporary file ".tmp-<name><digits>" beside it, as
/// dockerd's atomic writer does. A reader sees the old or the new content, never a part.
/// With `sync` the file is fsynced before the rename and the directory after it.
Result<void> write_file_atomic(int dir, const std::string& name, std::string_view bytes,
                               mode_t mode, bool sync = false);

/// mkdir -p below `dir`; every directory that is made gets exactly `mode`.
Result<void> make_dirs(int dir, const std::string& path, mode_t mode);

/// Opens a directory for use as an anchor of *at calls (O_RDONLY | O_DIRECTORY | O_CLOEXEC).
Result<UniqueFd> open_dir(int dir, const std::string& name);

/// openat with O_CLOEXEC, for paths that the caller trusts.
Result<UniqueFd> open_at(int dir, const std::string& name, int flags, mode_t mode = 0);

/// The names in a directory, "." and ".." left out, sorted as bytes.
Result<std::vector<std::string>> list_dir(int dir_fd);
/// Those in the directory `name` of `dir`.
Result<std::vector<std::string>> list_dir(int dir, const std::string& name);

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;  // false too where the file system does not say it

  bool operator<(const DirectoryEntry& other) const { return name < other.name; }
};
/// The same through a descriptor that is read for the first time, and with what the names are.
Result<std::vector<DirectoryEntry>> read_entries(int dir_fd);

/// fstatat without following a link.
Result<struct stat> stat_at(int dir, const std::string& name);

/// Where the symbolic link `name` points.
Result<std::string> read_link_at(int dir, const std::string& name);

/// Another descriptor of the same open file, O_CLOEXEC.
Result<UniqueFd> duplicate(int fd);

}  // namespace strata

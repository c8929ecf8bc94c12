#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/io.h"
#include "base/random_id.h"

namespace strata::cli {

Result<void> check_output_path(const std::string& path) {
  auto end = path.find_last_not_of('/');
  auto slash = path.rfind('/', end);
  std::string parent =
      slash == std::string::npos ? "." : path.substr(0, std::max(slash, std::size_t{1}));
  struct stat st = {};
  if (::stat(parent.c_str(), &st) < 0 && errno == ENOENT)
    return Error(ErrorCode::NotFound,
                 fmt::format("invalid output path: directory \"{}\" does not exist", parent));
  if (::stat(path.c_str(), &st) == 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("invalid output path: \"{}\" must be a directory or a regular file: "
                             "got a device",
                             path));
  return {};
}

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (path.empty()) {
    if (::isatty(STDOUT_FILENO) == 1)
      return Error(ErrorCode::InvalidArgument,
                   "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    return OutputFile({}, "", "");
  }
  struct stat st {};
  // A fifo or a device is written to, as a shell would; a new name would replace it.
  if (::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) {
    if (S_ISDIR(st.st_mode))
      return Error(ErrorCode::InvalidArgument, fmt::format("{}: is a directory", path));
    return OutputFile(TRY(open_at(AT_FDCWD, path, O_WRONLY)), "", "");
  }
  auto temporary = path + ".part-" + random_hex(8);
  auto fd = open_at(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) {
    fd.error().add_context("write " + path);
    return std::move(fd).error();
  }
  return OutputFile(*std::move(fd), path, std::move(temporary));
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> OutputFile::write(std::string_view bytes) {
  return write_all(fd_ ? fd_.get() : STDOUT_FILENO, bytes);
}

Result<void> OutputFile::finish() {
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) < 0)
    return Error::from_errno(errno, "rename " + path_);
  temporary_.clear();
  return {};
}

}  // namespace strata::cli

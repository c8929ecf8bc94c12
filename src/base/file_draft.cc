#include "base/file_draft.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/io.h"

namespace strata {

Result<FileDraft> FileDraft::write(int dir, const std::string& name, std::string_view bytes,
                                   mode_t mode) {
  auto slash = name.rfind('/');
  auto base = slash == std::string::npos ? 0 : slash + 1;
  std::uint32_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    return Error::from_errno(errno, "getrandom");
  auto temporary = fmt::format("{}.tmp-{}{}", name.substr(0, base), name.substr(base), random);
  // Messages name what the user knows, not the file that is gone by then.
  auto fd = open_at(dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) return Error::from_errno(fd.error().sys_errno(), "open " + name);
  FileDraft draft(dir, name, std::move(temporary), *std::move(fd));
  TRY(write_all(draft.fd_.get(), bytes).context("{}", name));
  if (::fchmod(draft.fd_.get(), mode) < 0) return Error::from_errno(errno, "chmod " + name);
  return draft;
}

FileDraft::FileDraft(int dir, std::string name, std::string temporary, UniqueFd fd)
    : dir_(dir), name_(std::move(name)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

FileDraft::FileDraft(FileDraft&& other) noexcept
    : dir_(other.dir_),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

FileDraft::~FileDraft() {
  if (!temporary_.empty()) ::unlinkat(dir_, temporary_.c_str(), 0);
}

Result<void> FileDraft::sync() const {
  if (::fsync(fd_.get()) < 0) return Error::from_errno(errno, "fsync " + name_);
  return {};
}

Result<void> FileDraft::publish(bool sync) {
  if (::renameat(dir_, temporary_.c_str(), dir_, name_.c_str()) < 0)
    return Error::from_errno(errno, "rename " + name_);
  temporary_.clear();
  if (!sync) return {};
  auto slash = name_.rfind('/');
  auto parent = TRY(open_dir(dir_, slash == std::string::npos ? "." : name_.substr(0, slash + 1)));
  if (::fsync(parent.get()) < 0) return Error::from_errno(errno, "fsync directory of " + name_);
  return {};
}

}  // namespace strata

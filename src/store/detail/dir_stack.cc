#include "store/detail/dir_stack.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/io.h"

namespace strata::detail {
namespace {

constexpr std::size_t kMaxOpen = 16;  // levels below the root
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW;

Result<void> make_plain_dir(int dir, const std::string& name) {
  if (::mkdirat(dir, name.c_str(), 0755) < 0 && errno != EEXIST)
    return Error::from_errno(errno, "mkdir " + name);
  if (::fchmodat(dir, name.c_str(), 0755, 0) < 0) return Error::from_errno(errno, "chmod " + name);
  return {};
}

}  // namespace

bool is_on_the_way(std::string_view directory, std::string_view path) {
  return directory.empty() || (path.substr(0, directory.size()) == directory &&
                               (path.size() == directory.size() || path[directory.size()] == '/'));
}

DirStack::DirStack(int root) : root_(root) { levels_.emplace_back(); }

Result<void> DirStack::enter(std::string_view path, Missing missing) {
  if (path.size() >= PATH_MAX)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("path is longer than {} bytes", PATH_MAX - 1));
  while (!is_on_the_way(path_, path)) {
    levels_.pop_back();
    path_.resize(levels_.back().path_length);
  }
  if (!levels_.back().fd) TRY(reopen(levels_.back()));
  while (path_.size() < path.size()) {
    auto begin = path_.empty() ? 0 : path_.size() + 1;
    auto end = std::min(path.find('/', begin), path.size());
    TRY(push(path.substr(begin, end - begin), missing));
  }
  return {};
}

Result<void> DirStack::push(std::string_view component, Missing missing) {
  std::string name(component);
  auto path = path_.empty() ? name : path_ + '/' + name;
  Level level;
  level.fd = UniqueFd(::openat(fd(), name.c_str(), kDirectory | O_CLOEXEC));
  if (!level.fd && errno == ENOENT && missing == Missing::Make) {
    TRY(make_plain_dir(fd(), name));
    level.fd = UniqueFd(::openat(fd(), name.c_str(), kDirectory | O_CLOEXEC));
  }
  if (!level.fd && (errno == ENOTDIR || errno == ELOOP))
    return Error(ErrorCode::Conflict, path + " is not a directory");
  if (!level.fd) return Error::from_errno(errno, "open " + path);
  struct stat st = {};
  if (::fstat(level.fd.get(), &st) < 0) return Error::from_errno(errno, "stat " + path);
  level.inherits_group = (st.st_mode & S_ISGID) != 0;
  path_ = std::move(path);
  level.path_length = path_.size();
  levels_.push_back(std::move(level));
  if (levels_.size() > kMaxOpen + 1) close_far_level();
  return {};
}

void DirStack::close_far_level() { levels_[levels_.size() - 1 - kMaxOpen].fd = UniqueFd(); }

Result<void> DirStack::reopen(Level& level) {
  auto path = level.path_length == 0 ? "." : path_;
  level.fd = TRY(open_in_root(root_, path, Resolve::NoLinks, O_PATH | O_DIRECTORY));
  return {};
}

}  // namespace strata::detail

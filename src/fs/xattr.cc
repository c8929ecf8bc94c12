#include "fs/xattr.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

namespace strata {
namespace {

/// The calls that do not follow a link at the last component, or, for the object behind a
/// descriptor, those that do: /proc/self/fd/N is itself a link to it.
struct Target {
  std::string path;
  bool follow = false;

  Target(int dir, const std::string& name)
      : path(fmt::format("/proc/self/fd/{}", dir)), follow(name.empty()) {
    if (!follow) path.append("/").append(name);
  }

  ssize_t list(char* buffer, std::size_t size) const {
    return follow ? ::listxattr(path.c_str(), buffer, size)
                  : ::llistxattr(path.c_str(), buffer, size);
  }
  ssize_t get(const char* attribute, char* buffer, std::size_t size) const {
    return follow ? ::getxattr(path.c_str(), attribute, buffer, size)
                  : ::lgetxattr(path.c_str(), attribute, buffer, size);
  }
};

Error xattr_error(const char* doing, const std::string& name, const std::string& attribute) {
  auto what = fmt::format("{} {} {}", doing, name, attribute);
  if (errno == ENOTSUP) return Error(ErrorCode::Unsupported, what + ": operation not supported");
  return Error::from_errno(errno, what);
}

/// Asks for the size, then for the bytes; again if they have grown in between. nullopt for
/// `absent`.
template <class Call>
Result<std::optional<std::string>> fetch(int absent, Call call) {
  std::string bytes;
  while (true) {
    ssize_t size = call(nullptr, 0);
    if (size > 0) {
      bytes.resize(static_cast<std::size_t>(size));
      size = call(bytes.data(), bytes.size());
    }
    if (size >= 0) {
      bytes.resize(static_cast<std::size_t>(size));
      return std::optional(std::move(bytes));
    }
    if (errno == absent || errno == ENOTSUP) return std::optional<std::string>();
    if (errno != ERANGE) return Error::from_errno(errno, "read xattrs");
  }
}

}  // namespace

Result<bool> has_xattrs(int dir, const std::string& name) {
  ssize_t size = Target(dir, name).list(nullptr, 0);
  if (size < 0 && errno != ENOTSUP) return Error::from_errno(errno, "list xattrs " + name);
  return size > 0;
}

Result<std::vector<Xattr>> list_xattrs(int dir, const std::string& name) {
  Target target(dir, name);
  auto names = TRY(fetch(ENOTSUP, [&](char* b, std::size_t n) {
                     return target.list(b, n);
                   }).context("{}", name));
  std::vector<Xattr> result;
  if (!names) return result;
  for (std::size_t begin = 0; begin < names->size();) {
    std::string attribute = names->c_str() + begin;
    begin += attribute.size() + 1;
    auto value = TRY(get_xattr(dir, name, attribute));
    if (value) result.emplace_back(std::move(attribute), *std::move(value));
  }
  std::sort(result.begin(), result.end());
  return result;
}

Result<std::optional<std::string>> get_xattr(int dir, const std::string& name,
                                             const std::string& attribute) {
  Target target(dir, name);
  return fetch(ENODATA, [&](char* b, std::size_t n) { return target.get(attribute.c_str(), b, n); })
      .context("{} {}", name, attribute);
}

Result<void> set_xattr(int dir, const std::string& name, const std::string& attribute,
                       const std::string& value) {
  Target target(dir, name);
  auto* call = target.follow ? ::setxattr : ::lsetxattr;
  if (call(target.path.c_str(), attribute.c_str(), value.data(), value.size(), 0) < 0)
    return xattr_error("set xattr", name, attribute);
  return {};
}

Result<void> remove_xattr(int dir, const std::string& name, const std::string& attribute) {
  Target target(dir, name);
  auto* call = target.follow ? ::removexattr : ::lremovexattr;
  if (call(target.path.c_str(), attribute.c_str()) < 0 && errno != ENODATA)
    return xattr_error("remove xattr", name, attribute);
  return {};
}

}  // namespace strata

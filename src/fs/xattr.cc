#include "fs/xattr.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace strata {
namespace {

/// struct xattr_args of linux/xattr.h, which older headers lack.
struct XattrArgs {
  std::uint64_t value;
  std::uint32_t size;
  std::uint32_t flags;
};

/// getxattrat(2), since Linux 6.13: looks up one name in place of four.
ssize_t getxattr_at(int dir, const char* name, const char* attribute, char* buffer,
                    std::size_t size) {
  constexpr long kNumber = 464;
  XattrArgs args = {reinterpret_cast<std::uintptr_t>(buffer), static_cast<std::uint32_t>(size), 0};
  return ::syscall(kNumber, dir, name, AT_SYMLINK_NOFOLLOW, attribute, &args, sizeof args);
}

/// listxattrat(2), likewise.
ssize_t listxattr_at(int dir, const char* name, char* buffer, std::size_t size) {
  constexpr long kNumber = 465;
  return ::syscall(kNumber, dir, name, AT_SYMLINK_NOFOLLOW, buffer, size);
}

/// An object, and the calls for it that do not follow a link at the last component. Where the
/// descriptor, or the kernel, does not take a direct one, the object is named by way of
/// /proc/self/fd/N, itself a link to what is behind the descriptor.
struct Target {
  int dir;
  const std::string& name;

  std::string path() const {
    return name.empty() ? fmt::format("/proc/self/fd/{}", dir)
                        : fmt::format("/proc/self/fd/{}/{}", dir, name);
  }
  bool follow() const { return name.empty(); }
  static bool is_path_only(ssize_t n) { return n < 0 && errno == EBADF; }
  static bool is_unknown(ssize_t n) { return n < 0 && (errno == ENOSYS || errno == EPERM); }

  ssize_t list(char* buffer, std::size_t size) const {
    if (!follow()) {
      auto n = listxattr_at(dir, name.c_str(), buffer, size);
      return is_unknown(n) ? ::llistxattr(path().c_str(), buffer, size) : n;
    }
    auto n = ::flistxattr(dir, buffer, size);
    return is_path_only(n) ? ::listxattr(path().c_str(), buffer, size) : n;
  }
  ssize_t get(const char* attribute, char* buffer, std::size_t size) const {
    if (!follow()) {
      auto n = getxattr_at(dir, name.c_str(), attribute, buffer, size);
      return is_unknown(n) ? ::lgetxattr(path().c_str(), attribute, buffer, size) : n;
    }
    auto n = ::fgetxattr(dir, attribute, buffer, size);
    return is_path_only(n) ? ::getxattr(path().c_str(), attribute, buffer, size) : n;
  }
};

Error xattr_error(const char* doing, const std::string& name, const std::string& attribute) {
  auto what = fmt::format("{} {} {}", doing, name, attribute);
  if (errno == ENOTSUP) return Error(ErrorCode::Unsupported, what + ": operation not supported");
  return Error::from_errno(errno, what);
}

/// Asks with room for what is usual; if it is more for the size and then for the bytes, again if
/// they have grown in between. nullopt for `absent`.
template <class Call>
Result<std::optional<std::string>> fetch(int absent, Call call) {
  std::array<char, 512> usual;
  ssize_t size = call(usual.data(), usual.size());
  if (size >= 0) return std::optional(std::string(usual.data(), static_cast<std::size_t>(size)));
  std::string bytes;
  while (errno == ERANGE) {
    size = call(nullptr, 0);
    if (size > 0) {
      bytes.resize(static_cast<std::size_t>(size));
      size = call(bytes.data(), bytes.size());
    }
    if (size < 0) continue;
    bytes.resize(static_cast<std::size_t>(size));
    return std::optional(std::move(bytes));
  }
  if (errno == absent || errno == ENOTSUP) return std::optional<std::string>();
  return Error::from_errno(errno, "read xattrs");
}

}  // namespace

Result<bool> has_xattrs(int dir, const std::string& name) {
  ssize_t size = Target{dir, name}.list(nullptr, 0);
  if (size < 0 && errno != ENOTSUP) return Error::from_errno(errno, "list xattrs " + name);
  return size > 0;
}

Result<std::vector<Xattr>> list_xattrs(int dir, const std::string& name,
                                       bool (*wanted)(std::string_view)) {
  Target target{dir, name};
  auto names = TRY(fetch(ENOTSUP, [&](char* b, std::size_t n) {
                     return target.list(b, n);
                   }).context("{}", name));
  std::vector<Xattr> result;
  if (!names) return result;
  for (std::size_t begin = 0; begin < names->size();) {
    std::string attribute = names->c_str() + begin;
    begin += attribute.size() + 1;
    if (wanted != nullptr && !wanted(attribute)) continue;
    auto value = TRY(get_xattr(dir, name, attribute));
    if (value) result.emplace_back(std::move(attribute), *std::move(value));
  }
  std::sort(result.begin(), result.end());
  return result;
}

Result<std::optional<std::string>> get_xattr(int dir, const std::string& name,
                                             const std::string& attribute) {
  Target target{dir, name};
  return fetch(ENODATA, [&](char* b, std::size_t n) { return target.get(attribute.c_str(), b, n); })
      .context("{} {}", name, attribute);
}

Result<void> set_xattr(int dir, const std::string& name, const std::string& attribute,
                       const std::string& value) {
  Target target{dir, name};
  auto* call = target.follow() ? ::setxattr : ::lsetxattr;
  if (call(target.path().c_str(), attribute.c_str(), value.data(), value.size(), 0) < 0)
    return xattr_error("set xattr", name, attribute);
  return {};
}

Result<void> remove_xattr(int dir, const std::string& name, const std::string& attribute) {
  Target target{dir, name};
  auto* call = target.follow() ? ::removexattr : ::lremovexattr;
  if (call(target.path().c_str(), attribute.c_str()) < 0 && errno != ENODATA)
    return xattr_error("remove xattr", name, attribute);
  return {};
}

}  // namespace strata

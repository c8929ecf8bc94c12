#include "fs/whiteout.h"

#include <cerrno>

#include "fs/xattr.h"

namespace strata {

Result<void> make_whiteout(int dir, const std::string& name) {
  if (::mknodat(dir, name.c_str(), S_IFCHR, makedev(0, 0)) < 0)
    return Error::from_errno(errno, "whiteout " + name);
  return {};
}

Result<bool> is_opaque(int dir, const std::string& name) {
  auto value = TRY(get_xattr(dir, name, kOpaqueXattr));
  return value && *value == "y";
}

Result<void> set_opaque(int dir, const std::string& name) {
  return set_xattr(dir, name, kOpaqueXattr, "y");
}

}  // namespace strata

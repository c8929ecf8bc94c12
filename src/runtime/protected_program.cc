#include "runtime/protected_program.h"

#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/io.h"

namespace strata {
namespace {

bool is_elf(const std::string& path) {
  auto file = open_at(AT_FDCWD, path, O_RDONLY);
  std::array<char, SELFMAG> magic{};
  return file && ::read(file->get(), magic.data(), magic.size()) == SELFMAG &&
         std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0;
}

}  // namespace

UniqueFd open_protected_program(const std::string& path) {
  if (!is_elf(path)) return UniqueFd();
  UniqueFd file(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!file) return UniqueFd();
  struct mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(file.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
    return UniqueFd();
  return file;
}

}  // namespace strata

#include "base/temp_dir.h"

#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"

namespace strata {
namespace {

Result<void> remove_directory(int parent, const std::string& name);

Result<void> empty_directory(int parent, const std::string& name) {
  auto dir = TRY(open_in_root(parent, name, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
  for (const auto& entry : TRY(read_entries(dir.get())))
    TRY(entry.is_directory ? remove_directory(dir.get(), entry.name)
                           : remove_tree(dir.get(), entry.name));
  return {};
}

/// Many are empty: that is tried first.
Result<void> remove_directory(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return Error::from_errno(errno, "remove " + name);
  TRY(empty_directory(parent, name).context("remove {}", name));
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0)
    return Error::from_errno(errno, "remove " + name);
  return {};
}

}  // namespace

Result<void> remove_tree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) return {};
  if (errno != EISDIR && errno != EPERM) return Error::from_errno(errno, "remove " + name);
  return remove_directory(parent, name);
}

Result<TempDir> TempDir::create(int parent, std::string_view prefix) {
  return create_named(parent, std::string(prefix) + random_hex(8));
}

Result<TempDir> TempDir::create_named(int parent, std::string name) {
  auto keep = TRY(duplicate(parent));
  if (::mkdirat(parent, name.c_str(), 0700) < 0) return Error::from_errno(errno, "mkdir " + name);
  auto fd = TRY(open_in_root(parent, name, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
  return TempDir(std::move(keep), std::move(fd), std::move(name));
}

TempDir::~TempDir() {
  if (parent_) (void)remove_tree(parent_.get(), name_);
}

Result<void> TempDir::publish(int to, const std::string& name) {
  if (::renameat2(parent_.get(), name_.c_str(), to, name.c_str(), RENAME_NOREPLACE) < 0)
    return Error::from_errno(errno, "publish " + name);
  parent_ = UniqueFd();
  return {};
}

}  // namespace strata

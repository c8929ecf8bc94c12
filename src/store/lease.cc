#include "store/lease.h"

#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"

namespace strata {
namespace {

constexpr const char* kLeases = "leases";
constexpr const char* kRemovalLock = "removal.lock";

void add_lines(std::set<Digest>& ids, std::string_view text) {
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    if (auto id = Digest::parse(text.substr(0, end))) ids.insert(*id);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Result<FileLock> lock_removal(int own_dir, FileLock::Mode mode) {
  return FileLock::acquire(own_dir, kRemovalLock, mode);
}

Lease::~Lease() {
  if (!name_.empty()) ::unlinkat(own_dir_, name_.c_str(), 0);
}

Result<void> Lease::add(const Digest& id) {
  std::lock_guard guard(mutex_);
  if (ids_.contains(id)) return {};
  auto no_removal = TRY(lock_removal(own_dir_, FileLock::Mode::Shared));
  if (!lock_) {
    TRY(make_dirs(own_dir_, kLeases, 0700));
    auto name = fmt::format("{}/{}", kLeases, random_hex(16));
    auto lock = TRY(FileLock::try_acquire(own_dir_, name, FileLock::Mode::Exclusive));
    name_ = name;
    file_ = TRY(open_at(own_dir_, name, O_WRONLY | O_APPEND));
    lock_ = std::move(lock);
  }
  TRY(write_all(file_.get(), id.str() + '\n').context("{}", name_));
  ids_.insert(id);
  return {};
}

Result<std::set<Digest>> leased_ids(int own_dir) {
  std::set<Digest> ids;
  auto dir = open_dir(own_dir, kLeases);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return ids;
  if (!dir) return std::move(dir).error();
  for (const auto& name : TRY(list_dir(dir->get()))) {
    auto dead = FileLock::try_acquire(dir->get(), name, FileLock::Mode::Exclusive);
    if (dead) {
      ::unlinkat(dir->get(), name.c_str(), 0);
      continue;
    }
    if (dead.error().code() != ErrorCode::Conflict) return std::move(dead).error();
    auto text = read_file(dir->get(), name);
    if (text)
      add_lines(ids, *text);
    else if (text.error().code() != ErrorCode::NotFound)
      return std::move(text).error();
  }
  return ids;
}

}  // namespace strata

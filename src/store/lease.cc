#include "store/lease.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "base/random_id.h"
#include "base/text.h"

namespace strata {
namespace {

constexpr const char* kLeases = "leases";
constexpr const char* kRemovalLock = "removal.lock";
const std::string kPath = "path ";

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

Result<void> Lease::open() {
  if (lock_) return {};
  TRY(make_dirs(own_dir_, kLeases, 0700));
  auto name = fmt::format("{}/{}-{}", kLeases, ::getpid(), random_hex(12));
  auto lock = TRY(FileLock::try_acquire(own_dir_, name, FileLock::Mode::Exclusive));
  name_ = name;
  file_ = TRY(open_at(own_dir_, name, O_WRONLY | O_APPEND));
  lock_ = std::move(lock);
  return {};
}

Result<void> Lease::add(const Digest& id) { return add_all({id}); }

Result<void> Lease::add_all(const std::vector<Digest>& ids) {
  std::lock_guard guard(mutex_);
  std::set<Digest> fresh;
  for (const auto& id : ids)
    if (!ids_.contains(id)) fresh.insert(id);
  if (fresh.empty()) return {};
  std::string lines;
  for (const auto& id : fresh) lines += id.str() + '\n';
  auto no_removal = TRY(lock_removal(own_dir_, FileLock::Mode::Shared));
  TRY(open());
  TRY(write_all(file_.get(), lines).context("{}", name_));
  ids_.merge(fresh);
  return {};
}

Result<void> Lease::begin() {
  std::lock_guard guard(mutex_);
  if (lock_) return {};
  auto no_removal = TRY(lock_removal(own_dir_, FileLock::Mode::Shared));
  return open();
}

Result<void> Lease::note(const std::string& path) {
  TRY(begin());
  std::lock_guard guard(mutex_);
  return write_all(file_.get(), kPath + path + '\n').context("{}", name_);
}

namespace {

Result<std::vector<std::string>> lease_names(int own_dir) {
  auto names = list_dir(own_dir, kLeases);
  if (!names && names.error().code() == ErrorCode::NotFound) return std::vector<std::string>();
  return names;
}

}  // namespace

Result<std::set<Digest>> leased_ids(int own_dir) {
  std::set<Digest> ids;
  for (const auto& name : TRY(lease_names(own_dir))) {
    auto path = std::string(kLeases) + '/' + name;
    auto dead = FileLock::try_acquire(own_dir, path, FileLock::Mode::Exclusive);
    if (dead) continue;
    if (dead.error().code() != ErrorCode::Conflict) return std::move(dead).error();
    auto text = read_file(own_dir, path);
    if (text)
      add_lines(ids, *text);
    else if (text.error().code() != ErrorCode::NotFound)
      return std::move(text).error();
  }
  return ids;
}

bool may_have_dead_leases(int own_dir) {
  auto names = lease_names(own_dir);
  if (!names) return false;
  return std::any_of(names->begin(), names->end(), [](const std::string& name) {
    int pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return error != std::errc() || *end != '-' || pid <= 0 ||
           (::kill(pid, 0) < 0 && errno == ESRCH);
  });
}

Result<std::vector<DeadLease>> dead_leases(int own_dir) {
  std::vector<DeadLease> found;
  for (const auto& name : TRY(lease_names(own_dir))) {
    auto path = std::string(kLeases) + '/' + name;
    auto lock = FileLock::try_acquire(own_dir, path, FileLock::Mode::Exclusive);
    if (!lock && lock.error().code() == ErrorCode::Conflict) continue;
    if (!lock) return std::move(lock).error();
    DeadLease lease{TRY(std::move(lock)), path, {}, {}};
    auto text = read_file(own_dir, path);
    // It was alive when it was opened, and has ended since.
    if (!text && text.error().code() == ErrorCode::NotFound) continue;
    if (!text) return std::move(text).error();
    auto lines = split(*text, '\n');
    lines.pop_back();  // empty, or cut off: what it names was not made
    for (auto line : lines) {
      if (line.starts_with(kPath))
        lease.paths.emplace_back(line.substr(kPath.size()));
      else if (auto id = Digest::parse(line))
        lease.chains.emplace_back(*id);
    }
    found.push_back(std::move(lease));
  }
  return found;
}

void forget_lease(int own_dir, const DeadLease& lease) {
  ::unlinkat(own_dir, lease.name.c_str(), 0);
}

}  // namespace strata

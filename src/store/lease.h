#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/file_lock.h"
#include "digest/digest.h"

namespace strata {

/// What one process works with before any record names it: ROOT/strata/leases/<random>, a line for
/// each ChainID or ImageID, locked for as long as the process has it. Leases of dead processes end
/// by themselves, because the kernel drops their locks. Any thread.
class Lease {
 public:
  /// `own_dir` is ROOT/strata, borrowed.
  explicit Lease(int own_dir) : own_dir_(own_dir) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

  /// From its return on no removal takes `id`. Whether it was still there is to be asked
  /// afterwards.
  Result<void> add(const Digest& id);

 private:
  int own_dir_;
  std::mutex mutex_;
  std::set<Digest> ids_;
  std::string name_;              // below own_dir_; "" before the first add()
  std::optional<FileLock> lock_;  // on that file
  UniqueFd file_;
};

/// One removal at a time, and none while somebody holds this lock in the other mode: ROOT/strata/
/// removal.lock. Held for moments only.
Result<FileLock> lock_removal(int own_dir, FileLock::Mode mode);

/// Everything that live processes have leased; what dead ones left is removed. The caller holds the
/// lock for removal. Records must be read after this: whoever works in between has either leased
/// what he needs or recorded it.
Result<std::set<Digest>> leased_ids(int own_dir);

}  // namespace strata

#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/file_lock.h"
#include "digest/digest.h"

namespace strata {

/// What one process works with before any record names it: ROOT/strata/leases/<pid>-<random>, a
/// line for each ChainID or ImageID, and for each path that is to go if the process dies; locked
/// for as long as the process has it. Leases of dead processes end by themselves, because the
/// kernel drops their locks; what they name is removed by whoever opens the store next
/// (store/reclaim.h). Any thread.
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
  /// The same for many, with one lock and one write.
  Result<void> add_all(const std::vector<Digest>& ids);
  /// Makes the file already; a later note() then waits for no lock, also while this process
  /// removes.
  Result<void> begin();
  /// To be called before `path` (below ROOT) is made.
  Result<void> note(const std::string& path);

 private:
  Result<void> open();  // with no removal at work
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

/// Everything that live processes have leased. The caller holds the lock for removal. Records must
/// be read after this: whoever works in between has either leased what he needs or recorded it.
Result<std::set<Digest>> leased_ids(int own_dir);

/// What a process that died with its lease has left behind.
struct DeadLease {
  FileLock lock;  // ours now
  std::string name;
  std::vector<ChainID> chains;  // or ImageIDs: nobody can tell
  std::vector<std::string> paths;
};
/// Is there a lease whose process is gone, as far as process numbers tell? Costs a look into a
/// directory that has one file for each live writer.
bool may_have_dead_leases(int own_dir);
/// The caller holds the lock for removal. Each is to be ended by forget_lease().
Result<std::vector<DeadLease>> dead_leases(int own_dir);
void forget_lease(int own_dir, const DeadLease& lease);

}  // namespace strata

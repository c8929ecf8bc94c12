#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/memo_file.h"
#include "build/source_tree.h"
#include "digest/digest.h"
#include "digest/fingerprint.h"

namespace strata::build {

/// The sums of a context's files as the last build left them, so that files that have not changed
/// are looked at but not read. With each comes a fingerprint of its content: who has a file that
/// may be the same can tell whether it is. ROOT/strata/memo/<context>: one file (memo_file.h) for
/// each context directory, expendable like all below strata/.
///
/// A sum is believed if path, device, inode, mode, size, mtime and ctime are those that it was
/// computed with. A file that changed less than a clock tick before it was looked at is never
/// recorded: another change in the same tick would leave all of these as they are.
///
/// Damaged or missing, it is empty: nothing here can fail a build. Not thread-safe.
class StatMemo {
 public:
  /// `own_dir` is ROOT/strata (borrowed), `root` the directory of the context. `now` is when the
  /// files were first looked at.
  StatMemo(int own_dir, int root, Time now);

  /// What is known of a file.
  struct Known {
    Digest sum;  // of its tarsum entry
    /// Of its content, by key(). Only of files that have no capability.
    std::optional<Fingerprint> content;
  };
  /// Fastest when asked in the order of a walk.
  std::optional<Known> find(const SourceFile& file);
  /// False if it is not recorded.
  bool record(const SourceFile& file, const Known& known);

  /// Known to this memo alone; of the next build's, too.
  const Fingerprinter::Key& key() const { return key_; }

  /// Writes it anew if anything was recorded.
  void save();

 private:
  Result<void> write(int file);

  int own_dir_;
  std::string name_;  // below own_dir_
  Time now_;
  Fingerprinter::Key key_{};
  MemoReader old_;          // what earlier builds left
  std::vector<bool> seen_;  // its records, by this build
  MemoRecords fresh_;       // of this one
};

}  // namespace strata::build

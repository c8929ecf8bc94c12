#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/memo_file.h"
#include "build/source_tree.h"
#include "digest/digest.h"

namespace strata::build {

/// The sums of a context's files as the last build left them, so that files that have not changed
/// are looked at but not read; and in which layers steps have laid them down, to be taken from
/// there (docs/decisions/0019-a-known-file-is-taken-from-its-layer.md). ROOT/strata/memo/<context>:
/// one file (memo_file.h) for each context directory, expendable like all below strata/.
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
    /// CRC-64 of its content. Only of files that have no capability.
    std::optional<std::uint64_t> crc;
    /// The number of the first step whose note is about the file as it is; set by record().
    std::uint64_t noted_from = 0;
  };
  /// Fastest when asked in the order of a walk.
  std::optional<Known> find(const SourceFile& file);
  /// With a CRC: by the step of that number, which lays the file down (0: none). False if it is not
  /// recorded; nothing is known of the path then.
  bool record(const SourceFile& file, const Known& known, std::uint64_t step_number = 0);

  /// A number for a step that is about to lay files down.
  std::uint64_t begin_step() { return ++head_.last_step; }
  /// A note: a layer in which a step has laid files down. What is known with a CRC and with
  /// `noted_from` of at most `number` was as it is now when the step came to it.
  struct Laid {
    std::string cache_id;
    std::uint64_t number;
  };
  /// Of the last times that `step` was done, newest first. `step` stands for all that decides which
  /// file comes to which place, but for the layers below.
  std::vector<Laid> laid_by(const Digest& step) const;
  /// `step`, of that number, has laid down all its files.
  void note(const Digest& step, const Laid& laid);
  /// The layer is no more.
  void forget(const Laid& laid);

  /// Writes it anew if anything was recorded or noted.
  void save();

 private:
  bool is_too_young(const SourceFile& file) const;
  Result<void> write(int file);

  int own_dir_;
  std::string name_;  // below own_dir_
  Time now_;
  MemoReader old_;          // what earlier builds left
  std::vector<bool> seen_;  // its records, by this build
  MemoRecords fresh_;       // of this one
  MemoHead head_;           // of all
  bool is_dirty_ = false;   // there is something to save
};

}  // namespace strata::build

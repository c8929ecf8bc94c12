#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "build/source_tree.h"
#include "digest/digest.h"

namespace strata::build {

/// The sums of a context's files as the last build left them, so that files that have not changed
/// are looked at but not read. ROOT/strata/memo/<context>: one file for each context directory, in
/// the order of a walk, expendable like all below strata/.
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

  /// Fastest when asked in the order of a walk.
  std::optional<Digest> find(const SourceFile& file);
  void record(const SourceFile& file, const Digest& sum);

  /// Writes it anew if anything was recorded.
  void save();

 private:
  struct Stat;
  struct Entry;
  void load();
  /// The index of `path`, or where it would be.
  std::size_t locate(std::string_view path) const;
  std::string_view path_of(std::size_t i) const;
  Stat stat_of(std::size_t i) const;

  int own_dir_;
  std::string name_;  // below own_dir_
  Time now_;
  std::string data_;                                     // the file
  std::vector<std::size_t> offsets_;                     // of its entries
  std::vector<bool> seen_;                               // by this build
  std::size_t next_ = 0;                                 // the entry that a walk asks for next
  std::map<std::string, std::string, WalkOrder> fresh_;  // path -> encoded Stat
};

}  // namespace strata::build

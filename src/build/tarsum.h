#pragma once

#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "build/source_tree.h"
#include "build/stat_memo.h"
#include "digest/hasher.h"

namespace strata::build {

/// The header of docker's "tarsum v1" of one tar entry, on which the classic builder's cache keys
/// for COPY and ADD are made: docs of the field, moby pkg/tarsum.
struct TarsumHeader {
  std::string name;  // a directory's with a slash at the end
  mode_t mode = 0;   // of a context without type bits, as docker CLI 28 sends it
  uid_t uid = 0;
  gid_t gid = 0;
  std::int64_t size = 0;  // 0 unless regular
  char type = '0';        // tar type flag
  std::string linkname;
  std::string uname;  // of a download alone
  std::string gname;
  unsigned major = 0;
  unsigned minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;  // sorted
};

/// Starts the sum of one entry; the content follows with update(), finish() gives the sum.
Hasher begin_tarsum(const TarsumHeader& header);

/// Whose owners count in the sums: a context is sent as 0:0, a stage's files keep theirs.
enum class SumOwner : std::uint8_t { Root, Real };

/// Computes and remembers the sums of the files of one tree. Any thread.
class Tarsums {
 public:
  /// `memo` (may be null, borrowed) knows sums from earlier builds and takes new ones.
  Tarsums(SourceTree& tree, SumOwner owner, std::stop_token stop = {}, StatMemo* memo = nullptr)
      : tree_(tree), owner_(owner), stop_(std::move(stop)), memo_(memo) {}

  /// "file:<hex>" of a file or "dir:<hex>" of a directory with all below it but what `exclude`
  /// covers (relative to the directory).
  Result<std::string> of(const SourceFile& file, const dockerfile::IgnoreMatcher& exclude = {});
  /// The text for several sources: "multi:<hex>" of the list, or the one there is.
  static std::string combine(const std::vector<std::string>& sums);

  /// The header of `file`, for whoever computes the sum while copying; see remember().
  Result<TarsumHeader> header(const SourceFile& file) const;
  /// Whether these are the sums of the files of `tree`.
  bool are_of(const SourceTree* tree) const { return tree == &tree_; }
  /// What is known of one file from elsewhere, and without reading it.
  using Known = StatMemo::Known;
  void remember(const SourceFile& file, const Known& known, std::uint64_t step_number = 0);
  std::optional<Known> recall(const SourceFile& file);
  /// Where steps have laid these files down: StatMemo. Nothing without a memo.
  using Laid = StatMemo::Laid;
  std::uint64_t begin_step();
  std::vector<Laid> laid_by(const Digest& step);
  void note(const Digest& step, const Laid& laid);
  void forget(const Laid& laid);
  /// Whether anything is remembered for the next build.
  bool has_memo() const { return memo_ != nullptr; }
  /// For the next build.
  void save();

 private:
  Result<Digest> compute(const SourceTree& tree, const SourceFile& file) const;
  Result<std::vector<Digest>> compute_all(const std::vector<const SourceFile*>& files);
  /// What stands for one file in the sum of its directory.
  struct Member {
    std::optional<Digest> sum;
    std::string text;  // if it has none
  };
  Result<Member> member(const SourceFile& file);

  SourceTree& tree_;
  SumOwner owner_;
  std::stop_token stop_;
  std::mutex of_mutex_;  // so that two stages do not read the same files
  std::mutex mutex_;     // guards what follows
  StatMemo* memo_;
  /// Of a file as it was when it was looked at.
  struct Sum {
    Digest sum;
    ino_t inode = 0;
    Time ctime;
  };
  std::map<std::string, Sum> sums_;  // by path, of files that the memo does not have
};

}  // namespace strata::build

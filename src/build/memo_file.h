#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "build/source_file.h"

namespace strata::build {

/// What a file looked like, and the sum of its tarsum entry: as it stands in a memo file, in the
/// byte order of the machine.
struct MemoStat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;   // bytes
  std::int64_t mtime = 0;  // seconds
  std::int64_t ctime = 0;
  std::int32_t mtime_nanoseconds = 0;
  std::int32_t ctime_nanoseconds = 0;
  std::uint32_t mode = 0;
  std::uint32_t path_size = 0;  // bytes
  std::uint8_t sum[32] = {};    // SHA-256
  std::uint64_t crc = 0;        // CRC-64 of the content
  /// The number of the first step whose note is about this record. 0: the CRC is not known, or the
  /// file has a capability.
  std::uint64_t noted_from = 0;
};

/// That a step has laid the files of the context down in a layer, as they were then.
struct MemoNote {
  std::uint8_t step[32] = {};  // what stands for it
  char cache_id[64] = {};      // of the layer
  std::uint64_t number = 0;    // of the step, of all that ever began, from 1; 0: none
};

/// What stands before the records of a memo file.
struct MemoHead {
  std::uint64_t save = 0;               // random: no other file has this head
  std::uint64_t last_step = 0;          // its number
  std::array<MemoNote, 32> notes = {};  // newest first
};

/// The records of a memo file in the order of a walk, read a block at a time: a context of millions
/// of files needs no more memory than one of a hundred.
///
///   "strata memo 5\n", two NULs, a MemoHead, checksum() of it, then blocks: bytes of the content
///   (32 bits), number of records (32 bits), checksum() of the content xor that of the head,
///   content: for each record a MemoStat and its path. So a block of an earlier file, which a power
///   cut may bring back, is none of this one.
///
/// A block that is torn or damaged is one without records, a file of another version one without
/// blocks. Not thread-safe.
class MemoReader {
 public:
  MemoReader() = default;
  /// Of an open file.
  explicit MemoReader(UniqueFd file);

  std::size_t records() const { return records_; }
  /// Empty if the file is missing, damaged or of another version.
  const MemoHead& head() const { return head_; }

  /// A record; `path` is valid until the next call.
  struct Record {
    std::size_t index = 0;  // among all of the file
    MemoStat stat;
    std::string_view path;
  };
  /// The record of `path`. Fastest when asked in the order of a walk.
  std::optional<Record> find(std::string_view path);

  /// From here on next() gives all records, in their order.
  void rewind();
  std::optional<Record> next();

 private:
  struct Block {
    std::uint64_t offset = 0;  // of the content
    std::uint32_t size = 0;    // bytes
    std::uint32_t records = 0;
    std::uint64_t sum = 0;
    std::size_t first = 0;  // index of its first record
    std::string path;  // of its first record: only a signpost, since no checksum was looked at yet
  };
  void find_blocks();
  void open_block(std::size_t block);
  std::optional<Record> record() const;
  void step(const Record& r);

  bool read_head();

  UniqueFd file_;
  MemoHead head_;
  std::uint64_t head_sum_ = 0;
  std::vector<Block> blocks_;
  std::size_t records_ = 0;
  std::size_t block_ = 0;  // the one that is in content_
  std::string content_;
  std::size_t at_ = 0;     // offset of the next record in content_
  std::size_t index_ = 0;  // its index
};

/// Records by path, as they are found: those that come in the order of a walk, which are nearly
/// all, stand close together. Not thread-safe.
class MemoRecords {
 public:
  /// In place of what was known of `path`.
  void put(const MemoStat& stat, std::string_view path);
  /// Fastest when asked in the order of a walk.
  std::optional<MemoStat> find(std::string_view path);

  std::size_t size() const { return in_order_ + late_.size(); }  // about: what was replaced counts

  /// Calls visit(stat, path) for all of them in the order of a walk.
  template <class Visit>
  void each(const Visit& visit) const {
    auto late = late_.begin();
    auto visit_late = [&] { visit(late->second, std::string_view(late->first)), ++late; };
    for (Place at; at.block < blocks_.size();) {
      auto here = record(at);
      while (late != late_.end() && WalkOrder()(late->first, here.path)) visit_late();
      if (late != late_.end() && late->first == here.path)
        visit_late();
      else
        visit(here.stat, here.path);
      step(at, here);
    }
    while (late != late_.end()) visit_late();
  }

 private:
  struct Place {
    std::size_t block = 0;
    std::size_t offset = 0;  // in it
  };
  struct Record {
    MemoStat stat;
    std::string_view path;
  };
  Record record(Place at) const;
  void step(Place& at, const Record& here) const;

  std::vector<std::string> blocks_;  // each record a MemoStat and its path; none is empty
  std::size_t in_order_ = 0;         // records in blocks_
  std::string last_;                 // path of the last one
  Place next_;                       // behind the one that was found last
  std::map<std::string, MemoStat, WalkOrder> late_;  // all others; they win
};

/// Writes a memo file. Records come in the order of a walk.
class MemoWriter {
 public:
  /// `file` is empty and borrowed.
  MemoWriter(int file, const MemoHead& head);
  void add(const MemoStat& stat, std::string_view path);
  /// The first error of all writes.
  Result<void> finish();

 private:
  void end_block();
  void write(std::string_view bytes);

  int file_;
  std::uint64_t head_sum_;
  Result<void> written_;
  std::string content_;
  std::uint32_t records_ = 0;  // in content_
};

}  // namespace strata::build

#include "build/memo_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "base/io.h"
#include "digest/checksum.h"

namespace strata::build {
namespace {

constexpr std::string_view kMemoMagic("strata memo 5\n\0\0", 16);
constexpr std::size_t kBlockContent = std::size_t{64} << 10;  // bytes; one record may go beyond
constexpr std::size_t kMaxBlock = kBlockContent + 8192;
constexpr std::size_t kLongestPath = 4096;  // bytes

struct FileHead {
  char magic[kMemoMagic.size()] = {};
  MemoHead memo;
  std::uint64_t sum = 0;  // of `memo`
};

struct BlockHead {
  std::uint32_t size = 0;
  std::uint32_t records = 0;
  std::uint64_t sum = 0;
};

static_assert(std::has_unique_object_representations_v<MemoHead>);
static_assert(std::has_unique_object_representations_v<MemoStat>);

std::uint64_t sum_of(const MemoHead& head) {
  return checksum({reinterpret_cast<const char*>(&head), sizeof head});
}

/// Fewer bytes than asked for at the end of the file, or where it cannot be read.
std::size_t read_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    ssize_t n = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace

MemoReader::MemoReader(UniqueFd file) : file_(std::move(file)) {
  find_blocks();
  rewind();
}

bool MemoReader::read_head() {
  FileHead head;
  if (read_at(file_.get(), reinterpret_cast<char*>(&head), sizeof head, 0) < sizeof head ||
      std::string_view(head.magic, sizeof head.magic) != kMemoMagic ||
      head.sum != sum_of(head.memo))
    return false;
  head_ = head.memo;
  head_sum_ = head.sum;
  return true;
}

void MemoReader::find_blocks() {
  if (!read_head()) return;
  char head[sizeof(BlockHead) + sizeof(MemoStat) + kLongestPath];
  for (std::uint64_t at = sizeof(FileHead);;) {
    std::size_t got = read_at(file_.get(), head, sizeof head, at);
    BlockHead block;
    MemoStat first;
    if (got < sizeof block + sizeof first) return;
    std::memcpy(&block, head, sizeof block);
    std::memcpy(&first, head + sizeof block, sizeof first);
    std::size_t path_at = sizeof block + sizeof first;
    if (block.size > kMaxBlock || block.records > block.size / sizeof(MemoStat) ||
        first.path_size > got - path_at)
      return;
    blocks_.push_back({at + sizeof block, block.size, block.records, block.sum, records_,
                       std::string(head + path_at, first.path_size)});
    records_ += block.records;
    at += sizeof block + block.size;
  }
}

void MemoReader::open_block(std::size_t block) {
  block_ = block;
  at_ = 0;
  index_ = records_;
  if (block >= blocks_.size()) {
    content_.clear();
    return;
  }
  const auto& b = blocks_[block];
  index_ = b.first;
  content_.resize(b.size);
  if (read_at(file_.get(), content_.data(), b.size, b.offset) < b.size ||
      (checksum(content_) ^ head_sum_) != b.sum)
    content_.clear();
}

std::optional<MemoReader::Record> MemoReader::record() const {
  Record r{index_, {}, {}};
  if (content_.size() - at_ < sizeof r.stat) return std::nullopt;
  std::memcpy(&r.stat, content_.data() + at_, sizeof r.stat);
  if (content_.size() - at_ - sizeof r.stat < r.stat.path_size) return std::nullopt;
  if (r.index >= blocks_[block_].first + blocks_[block_].records) return std::nullopt;
  r.path = std::string_view(content_).substr(at_ + sizeof r.stat, r.stat.path_size);
  return r;
}

void MemoReader::step(const Record& r) {
  at_ += sizeof r.stat + r.path.size();
  index_++;
}

std::optional<MemoReader::Record> MemoReader::find(std::string_view path) {
  auto here = record();
  if (here && here->path == path) {
    step(*here);
    return here;
  }
  WalkOrder before;
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), path,
                                [&](auto p, const Block& b) { return before(p, b.path); });
  if (after == blocks_.begin()) return std::nullopt;
  auto block = static_cast<std::size_t>(after - blocks_.begin()) - 1;
  if (block != block_ || !here || before(path, here->path)) {
    open_block(block);
    here = record();
  }
  while (here && before(here->path, path)) {
    step(*here);
    here = record();
  }
  if (!here || here->path != path) return std::nullopt;
  step(*here);
  return here;
}

void MemoReader::rewind() { open_block(0); }

std::optional<MemoReader::Record> MemoReader::next() {
  auto here = record();
  while (!here && block_ + 1 < blocks_.size()) {
    open_block(block_ + 1);
    here = record();
  }
  if (here) step(*here);
  return here;
}

MemoRecords::Record MemoRecords::record(Place at) const {
  Record r;
  const auto& block = blocks_[at.block];
  std::memcpy(&r.stat, block.data() + at.offset, sizeof r.stat);
  r.path = std::string_view(block).substr(at.offset + sizeof r.stat, r.stat.path_size);
  return r;
}

void MemoRecords::step(Place& at, const Record& here) const {
  at.offset += sizeof here.stat + here.path.size();
  if (at.offset == blocks_[at.block].size()) at = {at.block + 1, 0};
}

void MemoRecords::put(const MemoStat& stat, std::string_view path) {
  MemoStat written = stat;
  written.path_size = static_cast<std::uint32_t>(path.size());
  if (in_order_ > 0 && !WalkOrder()(last_, path)) {
    late_.insert_or_assign(std::string(path), written);
    return;
  }
  std::size_t size = sizeof written + path.size();
  if (blocks_.empty() || blocks_.back().size() + size > kBlockContent) {
    blocks_.emplace_back();
    blocks_.back().reserve(std::max(size, kBlockContent));
  }
  blocks_.back().append(reinterpret_cast<const char*>(&written), sizeof written).append(path);
  in_order_++;
  last_ = path;
}

std::optional<MemoStat> MemoRecords::find(std::string_view path) {
  if (!late_.empty())
    if (auto late = late_.find(path); late != late_.end()) return late->second;
  WalkOrder before;
  if (in_order_ == 0 || before(last_, path)) return std::nullopt;
  bool goes_on = next_.block < blocks_.size() && record(next_).path == path;
  if (!goes_on) {
    auto after = std::partition_point(blocks_.begin(), blocks_.end(), [&](const auto& block) {
      auto index = static_cast<std::size_t>(&block - blocks_.data());
      return !before(path, record({index, 0}).path);
    });
    if (after == blocks_.begin()) return std::nullopt;
    next_ = {static_cast<std::size_t>(after - blocks_.begin()) - 1, 0};
    for (auto here = record(next_); before(here.path, path); here = record(next_)) {
      step(next_, here);  // the last one of all is not before it
    }
  }
  auto here = record(next_);
  if (here.path != path) return std::nullopt;
  step(next_, here);
  return here.stat;
}

MemoWriter::MemoWriter(int file, const MemoHead& head) : file_(file), head_sum_(sum_of(head)) {
  FileHead written;
  std::memcpy(written.magic, kMemoMagic.data(), kMemoMagic.size());
  written.memo = head;
  written.sum = head_sum_;
  write({reinterpret_cast<const char*>(&written), sizeof written});
}

void MemoWriter::write(std::string_view bytes) {
  if (written_) written_ = write_all(file_, bytes);
}

void MemoWriter::add(const MemoStat& stat, std::string_view path) {
  MemoStat written = stat;
  written.path_size = static_cast<std::uint32_t>(path.size());
  content_.append(reinterpret_cast<const char*>(&written), sizeof written).append(path);
  records_++;
  if (content_.size() >= kBlockContent) end_block();
}

void MemoWriter::end_block() {
  if (records_ == 0) return;
  BlockHead head{static_cast<std::uint32_t>(content_.size()), records_,
                 checksum(content_) ^ head_sum_};
  write({reinterpret_cast<const char*>(&head), sizeof head});
  write(content_);
  content_.clear();
  records_ = 0;
}

Result<void> MemoWriter::finish() {
  end_block();
  return std::move(written_);
}

}  // namespace strata::build

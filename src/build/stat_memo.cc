#include "build/stat_memo.h"

#include <sys/stat.h>

#include <cstddef>
#include <cstring>

#include "base/io.h"
#include "tar/crc64.h"

namespace strata::build {
namespace {

constexpr std::string_view kMagic = "strata memo 1\n";
constexpr const char* kMemoDirectory = "memo";
constexpr std::size_t kMaxFile = std::size_t{1} << 30;  // bytes
constexpr std::int64_t kTick = 100'000'000;             // nanoseconds, more than any kernel's
constexpr std::int64_t kCoarseTick = 2;    // seconds, of file systems without fractions
constexpr std::size_t kKeptUnseen = 1000;  // entries beyond twice those that were seen

std::string file_name(int root) {
  struct stat st = {};
  if (::fstat(root, &st) < 0) return "";
  return sha256(fmt::format("{}:{}", st.st_dev, st.st_ino)).hex().substr(0, 32);
}

}  // namespace

/// As it stands in the file, in the byte order of the machine; the path follows.
struct StatMemo::Stat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime = 0;
  std::int64_t ctime = 0;
  std::int32_t mtime_nanoseconds = 0;
  std::int32_t ctime_nanoseconds = 0;
  std::uint32_t mode = 0;
  std::uint32_t path_size = 0;
  std::array<std::uint8_t, Digest::kBytes> sum = {};

  static Stat of(const SourceFile& f, const Digest& sum) {
    return {f.device,
            f.inode,
            f.size,
            f.mtime.seconds,
            f.ctime.seconds,
            f.mtime.nanoseconds,
            f.ctime.nanoseconds,
            f.mode,
            static_cast<std::uint32_t>(f.path.size()),
            sum.bytes()};
  }
};

StatMemo::StatMemo(int own_dir, int root, Time now)
    : own_dir_(own_dir), name_(std::string(kMemoDirectory) + '/' + file_name(root)), now_(now) {
  load();
}

void StatMemo::load() {
  auto text = read_file(own_dir_, name_, kMaxFile);
  std::uint64_t crc = 0;
  if (!text || text->size() < kMagic.size() + sizeof crc || !text->starts_with(kMagic)) return;
  std::size_t end = text->size() - sizeof crc;
  std::memcpy(&crc, text->data() + end, sizeof crc);
  if (crc != tar::crc64(std::string_view(*text).substr(0, end))) return;
  data_ = *std::move(text);
  for (std::size_t at = kMagic.size(); at + sizeof(Stat) <= end;) {
    offsets_.push_back(at);
    at += sizeof(Stat) + stat_of(offsets_.size() - 1).path_size;
  }
  seen_.resize(offsets_.size());
}

StatMemo::Stat StatMemo::stat_of(std::size_t i) const {
  Stat stat;
  std::memcpy(&stat, data_.data() + offsets_[i], sizeof stat);
  return stat;
}

std::string_view StatMemo::path_of(std::size_t i) const {
  std::uint32_t size = 0;
  std::memcpy(&size, data_.data() + offsets_[i] + offsetof(Stat, path_size), sizeof size);
  return std::string_view(data_).substr(offsets_[i] + sizeof(Stat), size);
}

std::size_t StatMemo::locate(std::string_view path) const {
  if (next_ < offsets_.size() && path_of(next_) == path) return next_;
  std::size_t low = 0;
  std::size_t high = offsets_.size();
  while (low < high) {
    std::size_t middle = low + (high - low) / 2;
    if (WalkOrder()(path_of(middle), path))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::optional<Digest> StatMemo::find(const SourceFile& file) {
  std::size_t i = locate(file.path);
  if (i == offsets_.size() || path_of(i) != file.path) return std::nullopt;
  next_ = i + 1;
  auto stat = stat_of(i);
  Digest sum(stat.sum);
  auto wanted = Stat::of(file, sum);
  if (std::memcmp(&stat, &wanted, sizeof stat) != 0) return std::nullopt;
  seen_[i] = true;
  return sum;
}

void StatMemo::record(const SourceFile& file, const Digest& sum) {
  auto changed = std::max(file.ctime, file.mtime);
  std::int64_t age = now_.seconds - changed.seconds;
  if (changed.nanoseconds == 0) {
    if (age <= kCoarseTick) return;
  } else if (age < 2) {
    if (age * 1'000'000'000 + now_.nanoseconds - changed.nanoseconds <= kTick) return;
  }
  auto stat = Stat::of(file, sum);
  fresh_[file.path] = std::string(reinterpret_cast<const char*>(&stat), sizeof stat);
}

void StatMemo::save() {
  if (fresh_.empty()) return;
  std::size_t seen = fresh_.size();
  for (bool s : seen_) seen += s ? 1 : 0;
  bool keep_unseen = offsets_.size() <= 2 * seen + kKeptUnseen;

  std::string out(kMagic);
  out.reserve(data_.size() + fresh_.size() * (sizeof(Stat) + 64));
  auto next = fresh_.begin();
  auto write_fresh = [&] { (out += next->second) += next->first, ++next; };
  for (std::size_t i = 0; i < offsets_.size(); i++) {
    auto path = path_of(i);
    while (next != fresh_.end() && WalkOrder()(next->first, path)) write_fresh();
    bool replaced = next != fresh_.end() && next->first == path;
    if (!replaced && (seen_[i] || keep_unseen))
      out.append(data_, offsets_[i], sizeof(Stat) + path.size());
  }
  while (next != fresh_.end()) write_fresh();
  std::uint64_t crc = tar::crc64(out);
  out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  // Lost or torn by a power cut it is recognised by its CRC: so it is not worth a sync.
  if (!make_dirs(own_dir_, kMemoDirectory, 0700)) return;
  if (auto dir = open_dir(own_dir_, kMemoDirectory))
    (void)write_file_atomic(dir->get(), name_.substr(name_.rfind('/') + 1), out, 0600);
  fresh_.clear();
}

}  // namespace strata::build

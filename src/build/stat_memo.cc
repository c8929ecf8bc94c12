#include "build/stat_memo.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/io.h"
#include "base/random_id.h"

namespace strata::build {
namespace {

constexpr const char* kMemoDirectory = "memo";
constexpr std::int64_t kTick = 100'000'000;  // nanoseconds, more than any kernel's
constexpr std::int64_t kCoarseTick = 2;      // seconds, of file systems without fractions
constexpr std::size_t kKeptUnseen = 1000;    // entries beyond twice those that were seen
constexpr std::size_t kNotesOfAStep = 4;

std::string file_name(int root) {
  struct stat st = {};
  if (::fstat(root, &st) < 0) return "";
  return sha256(fmt::format("{}:{}", st.st_dev, st.st_ino)).hex().substr(0, 32);
}

/// In place of what is known of a path: no file is like it.
constexpr MemoStat kNothing;

/// Without what is known of it.
MemoStat stat_of(const SourceFile& f) {
  MemoStat stat;
  stat.device = f.device;
  stat.inode = f.inode;
  stat.size = f.size;
  stat.mtime = f.mtime.seconds;
  stat.ctime = f.ctime.seconds;
  stat.mtime_nanoseconds = f.mtime.nanoseconds;
  stat.ctime_nanoseconds = f.ctime.nanoseconds;
  stat.mode = f.mode;
  stat.path_size = static_cast<std::uint32_t>(f.path.size());
  return stat;
}

}  // namespace

StatMemo::StatMemo(int own_dir, int root, Time now)
    : own_dir_(own_dir), name_(std::string(kMemoDirectory) + '/' + file_name(root)), now_(now) {
  if (auto file = open_at(own_dir_, name_, O_RDONLY)) old_ = MemoReader(*std::move(file));
  seen_.resize(old_.records());
  head_ = old_.head();
}

namespace {

/// If the record is of the file as it is.
std::optional<StatMemo::Known> known_by(const MemoStat& record, const SourceFile& file) {
  auto wanted = stat_of(file);
  if (std::memcmp(&record, &wanted, offsetof(MemoStat, sum)) != 0) return std::nullopt;
  std::array<std::uint8_t, Digest::kBytes> sum;
  std::memcpy(sum.data(), record.sum, sum.size());
  if (record.noted_from == 0) return StatMemo::Known{Digest(sum), std::nullopt};
  return StatMemo::Known{Digest(sum), record.crc, record.noted_from};
}

}  // namespace

std::optional<StatMemo::Known> StatMemo::find(const SourceFile& file) {
  if (auto fresh = fresh_.find(file.path)) return known_by(*fresh, file);
  auto known = old_.find(file.path);
  if (!known) return std::nullopt;
  auto found = known_by(known->stat, file);
  if (found) seen_[known->index] = true;
  return found;
}

/// Whether another change might leave its times as they are.
bool StatMemo::is_too_young(const SourceFile& file) const {
  auto changed = std::max(file.ctime, file.mtime);
  std::int64_t age = now_.seconds - changed.seconds;
  if (changed.nanoseconds == 0) return age <= kCoarseTick;
  return age < 2 && age * 1'000'000'000 + now_.nanoseconds - changed.nanoseconds <= kTick;
}

bool StatMemo::record(const SourceFile& file, const Known& known, std::uint64_t step_number) {
  if (is_too_young(file)) {
    // An older file that comes back here is not what this step lays down: its record must go.
    fresh_.put(kNothing, file.path);
    return false;
  }
  auto stat = stat_of(file);
  std::memcpy(stat.sum, known.sum.bytes().data(), sizeof stat.sum);
  if (known.crc) {
    stat.crc = *known.crc;
    // A step that has begun since may have come to another file of this path before.
    const bool is_last = step_number == head_.last_step;
    stat.noted_from = step_number > 0 && is_last ? step_number : head_.last_step + 1;
  }
  fresh_.put(stat, file.path);
  is_dirty_ = true;
  return true;
}

std::vector<StatMemo::Laid> StatMemo::laid_by(const Digest& step) const {
  std::vector<Laid> found;
  for (const auto& note : head_.notes)
    if (note.number > 0 && std::memcmp(note.step, step.bytes().data(), sizeof note.step) == 0)
      found.push_back({std::string(note.cache_id, sizeof note.cache_id), note.number});
  return found;
}

void StatMemo::note(const Digest& step, const Laid& laid) {
  MemoNote note;
  if (laid.cache_id.size() != sizeof note.cache_id) return;
  std::memcpy(note.step, step.bytes().data(), sizeof note.step);
  laid.cache_id.copy(note.cache_id, laid.cache_id.size());
  note.number = laid.number;
  std::vector<MemoNote> kept = {note};
  std::size_t alike = 1;
  for (const auto& old : head_.notes) {
    const bool is_alike = std::memcmp(old.step, note.step, sizeof note.step) == 0;
    if (!is_alike || ++alike <= kNotesOfAStep) kept.push_back(old);
  }
  kept.resize(head_.notes.size());
  std::copy(kept.begin(), kept.end(), head_.notes.begin());
  is_dirty_ = true;
}

void StatMemo::forget(const Laid& laid) {
  auto end = std::remove_if(head_.notes.begin(), head_.notes.end(),
                            [&](const MemoNote& note) { return note.number == laid.number; });
  std::fill(end, head_.notes.end(), MemoNote());
}

/// The old records and the fresh ones, which win, in the order of a walk.
Result<void> StatMemo::write(int file) {
  std::size_t seen = fresh_.size();
  for (bool s : seen_) seen += s ? 1 : 0;
  bool keep_unseen = old_.records() <= 2 * seen + kKeptUnseen;

  std::array<std::uint8_t, sizeof head_.save> random{};
  fill_random(random);
  std::memcpy(&head_.save, random.data(), random.size());
  MemoWriter out(file, head_);
  old_.rewind();
  auto old = old_.next();
  auto pass_old = [&] {
    if (seen_[old->index] || keep_unseen) out.add(old->stat, old->path);
    old = old_.next();
  };
  fresh_.each([&](const MemoStat& stat, std::string_view path) {
    while (old && WalkOrder()(old->path, path)) pass_old();
    if (old && old->path == path) old = old_.next();
    if (stat.inode != kNothing.inode) out.add(stat, path);
  });
  while (old) pass_old();
  return out.finish();
}

void StatMemo::save() {
  if (!is_dirty_) return;
  // Lost or torn by a power cut it is recognised by its checksum: so it is not worth a sync.
  if (!make_dirs(own_dir_, kMemoDirectory, 0700)) return;
  auto temporary = fmt::format("{}/.tmp-{}", kMemoDirectory, random_hex(8));
  auto file = open_at(own_dir_, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return;
  bool is_written = write(file->get()).has_value() &&
                    ::renameat(own_dir_, temporary.c_str(), own_dir_, name_.c_str()) == 0;
  if (!is_written) ::unlinkat(own_dir_, temporary.c_str(), 0);
  is_dirty_ = false;
}

}  // namespace strata::build

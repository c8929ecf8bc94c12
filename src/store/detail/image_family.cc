#include "store/detail/image_family.h"

#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/io.h"
#include "digest/checksum.h"

namespace strata::detail {
namespace {

constexpr const char* kFamily = "family";
constexpr std::string_view kFamilyMagic("strata family 2\n", 16);
/// `parent` files that were read; fewer are read as fast as one file is written.
constexpr std::size_t kWorthKeeping = 16;

std::int64_t in_ns(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

}  // namespace

std::optional<ImageID> read_image_parent(int metadata, ImageID id) {
  auto text = read_small(metadata, id.digest().hex() + "/parent");
  if (!text) return std::nullopt;
  auto digest = Digest::parse(*text);
  return digest ? std::optional(ImageID(*digest)) : std::nullopt;
}

Result<std::vector<ImageID>> ImageFamily::on(const std::optional<ImageID>& parent) {
  std::lock_guard lock(mutex_);
  TRY(look());
  const auto wanted = parent ? parent->digest() : Digest();
  std::vector<ImageID> found;
  for (const auto& record : records_)
    if (record.parent == wanted) found.emplace_back(record.child);
  return found;
}

void ImageFamily::set(ImageID child, const std::optional<ImageID>& parent) {
  std::lock_guard lock(mutex_);
  auto at = std::lower_bound(records_.begin(), records_.end(), child.digest(),
                             [](const Record& r, const Digest& d) { return r.child < d; });
  const auto now = parent ? parent->digest() : Digest();
  if (at != records_.end() && at->child == child.digest() && at->parent == now) return;
  if (at == records_.end() || at->child != child.digest())
    records_.insert(at, {child.digest(), now});
  else
    at->parent = now;
  // Who has read between the making of its directory and now is to look again.
  ::futimens(metadata_, nullptr);
}

/// Names that come in the same tick of the clock as the reading do not change the time: so shortly
/// after a change nothing is believed.
Result<void> ImageFamily::look() {
  constexpr std::int64_t kTick = 20'000'000;  // ns
  struct stat st = {};
  if (::fstat(metadata_, &st) < 0) return Error::from_errno(errno, "stat metadata of images");
  if (!has_looked_) load();
  const auto changed = in_ns(st.st_mtim);
  if (changed == read_.changed && read_.at - read_.changed > kTick) {
    has_looked_ = true;
    return {};
  }
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::vector<Record> records;
  std::size_t asked = 0;
  for (const auto& name : TRY(list_dir(metadata_))) {
    auto child = Digest::parse("sha256:" + name);
    if (!child) continue;
    const auto* known = find(*child);
    if (known != nullptr && (has_looked_ || !known->parent.is_zero())) {
      records.push_back(*known);
      continue;
    }
    asked++;
    auto parent = read_image_parent(metadata_, ImageID(*child));
    records.push_back({*child, parent ? parent->digest() : Digest()});
  }
  records_ = std::move(records);
  read_ = {changed, in_ns(now)};
  has_looked_ = true;
  if (asked >= kWorthKeeping) save();
  return {};
}

const ImageFamily::Record* ImageFamily::find(const Digest& child) const {
  auto at = std::lower_bound(records_.begin(), records_.end(), child,
                             [](const Record& r, const Digest& d) { return r.child < d; });
  return at != records_.end() && at->child == child ? &*at : nullptr;
}

void ImageFamily::load() {
  static_assert(sizeof(Record) == 2 * Digest::kBytes);
  constexpr std::size_t kHead = kFamilyMagic.size() + sizeof(Read);
  if (own_dir_ < 0) return;
  auto text = read_file(own_dir_, kFamily);
  std::uint64_t sum = 0;
  if (!text || text->size() < kHead + sizeof sum || !text->starts_with(kFamilyMagic)) return;
  const auto body = std::string_view(*text).substr(0, text->size() - sizeof sum);
  std::memcpy(&sum, text->data() + body.size(), sizeof sum);
  if (checksum(body) != sum || (body.size() - kHead) % sizeof(Record) != 0) return;
  std::memcpy(&read_, body.data() + kFamilyMagic.size(), sizeof read_);
  records_.resize((body.size() - kHead) / sizeof(Record));
  std::memcpy(static_cast<void*>(records_.data()), body.data() + kHead, body.size() - kHead);
}

/// If it cannot be written, the next process reads as this one did.
void ImageFamily::save() const {
  if (own_dir_ < 0) return;
  std::string text(kFamilyMagic);
  text.append(reinterpret_cast<const char*>(&read_), sizeof read_);
  text.append(reinterpret_cast<const char*>(records_.data()), records_.size() * sizeof(Record));
  const auto sum = checksum(text);
  text.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  (void)write_file_atomic(own_dir_, kFamily, text, 0600);
}

}  // namespace strata::detail

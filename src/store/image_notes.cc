#include "store/image_notes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/io.h"
#include "store/store.h"

namespace strata {
namespace {

constexpr const char* kPins = "pins";
constexpr const char* kUsed = "used";

std::string note_name(const char* dir, ImageID id) {
  return std::string(dir) + '/' + id.digest().hex();
}

Result<void> make_note(int own_dir, const char* dir, ImageID id) {
  TRY(make_dirs(own_dir, dir, 0700));
  TRY(open_at(own_dir, note_name(dir, id), O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  return {};
}

std::optional<Time> changed_at(int dir, const std::string& name) {
  auto file = stat_at(dir, name);
  if (!file) return std::nullopt;
  return Time{file->st_mtim.tv_sec, static_cast<std::int32_t>(file->st_mtim.tv_nsec)};
}

}  // namespace

Result<void> ImageNotes::pin(ImageID id) const { return make_note(own_dir_, kPins, id); }

Result<void> ImageNotes::unpin(ImageID id) const {
  if (::unlinkat(own_dir_, note_name(kPins, id).c_str(), 0) < 0 && errno != ENOENT)
    return Error::from_errno(errno, "remove strata/" + note_name(kPins, id));
  return {};
}

Result<std::set<ImageID>> ImageNotes::pins() const {
  std::set<ImageID> ids;
  if (own_dir_ < 0) return ids;
  auto dir = open_dir(own_dir_, kPins);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return ids;
  if (!dir) return std::move(dir).error();
  for (const auto& name : TRY(list_dir(dir->get())))
    if (auto id = Digest::parse("sha256:" + name)) ids.emplace(*id);
  return ids;
}

bool ImageNotes::is_pinned(ImageID id) const {
  return own_dir_ >= 0 && stat_at(own_dir_, note_name(kPins, id)).has_value();
}

void ImageNotes::note_use(ImageID id) const {
  auto name = note_name(kUsed, id);
  if (::utimensat(own_dir_, name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0) return;
  if (errno == ENOENT) (void)make_note(own_dir_, kUsed, id);
}

std::optional<Time> ImageNotes::noted_use(ImageID id) const {
  return own_dir_ < 0 ? std::nullopt : changed_at(own_dir_, note_name(kUsed, id));
}

void ImageNotes::forget(ImageID id) const {
  for (const char* dir : {kPins, kUsed}) ::unlinkat(own_dir_, note_name(dir, id).c_str(), 0);
}

Time last_use(const Store& store, ImageID id) {
  auto used = ImageNotes(store.own_dir()).noted_use(id).value_or(kZeroTime);
  auto named = store.images().last_updated(id).value_or(kZeroTime);
  auto config = "image/overlay2/imagedb/content/sha256/" + id.digest().hex();
  return std::max({used, named, changed_at(store.dir(), config).value_or(kZeroTime)});
}

}  // namespace strata

#include "store/kept_blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <tuple>

#include "base/io.h"
#include "fs/disk.h"
#include "image/units.h"

namespace strata {
namespace {

constexpr const char* kKept = "blobs/kept";
constexpr std::int64_t kMostBytes = std::int64_t{2} << 30;
constexpr std::int64_t kPartOfDisk = 20;
constexpr std::int64_t kBlockSize = 512;  // bytes, of st_blocks

std::string path_of(const std::string& name) { return std::string(kKept) + '/' + name; }

}  // namespace

Result<UniqueFd> open_kept_blob(int own_dir, const Digest& digest) {
  auto fd = TRY(open_at(own_dir, path_of(digest.hex()), O_RDONLY | O_NOFOLLOW));
  (void)::futimens(fd.get(), nullptr);
  return fd;
}

Result<void> keep_blob(int own_dir, const std::string& name, const Digest& digest) {
  TRY(make_dirs(own_dir, kKept, 0700));
  auto from = "blobs/" + name;
  auto to = path_of(digest.hex());
  (void)::utimensat(own_dir, from.c_str(), nullptr, 0);
  if (::renameat(own_dir, from.c_str(), own_dir, to.c_str()) < 0)
    return Error::from_errno(errno, "keep blob " + digest.hex());
  return {};
}

Result<std::vector<KeptBlob>> list_kept_blobs(int own_dir) {
  std::vector<KeptBlob> blobs;
  auto dir = open_dir(own_dir, kKept);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return blobs;
  if (!dir) return std::move(dir).error();
  for (auto& name : TRY(list_dir(dir->get()))) {
    auto st = stat_at(dir->get(), name);
    if (!st || !S_ISREG(st->st_mode)) continue;
    blobs.push_back({std::move(name),
                     st->st_blocks * kBlockSize,
                     {st->st_mtim.tv_sec, static_cast<std::int32_t>(st->st_mtim.tv_nsec)}});
  }
  std::sort(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) {
    return std::tie(b.last_used, a.name) < std::tie(a.last_used, b.name);
  });
  return blobs;
}

bool remove_kept_blob(int own_dir, const std::string& name) {
  return ::unlinkat(own_dir, path_of(name).c_str(), 0) == 0;
}

std::int64_t kept_blob_limit(int own_dir) {
  if (const char* text = std::getenv("STRATA_KEEP_BLOBS"); text != nullptr && *text != '\0')
    if (auto size = parse_ram_size(text)) return *size;
  auto disk = file_system_size(own_dir);
  return disk ? std::min(kMostBytes, *disk / kPartOfDisk) : kMostBytes;
}

void shrink_kept_blobs(int own_dir, std::int64_t limit) {
  auto blobs = list_kept_blobs(own_dir);
  if (!blobs) return;
  std::int64_t total = 0;
  for (const auto& blob : *blobs) {
    if (total + blob.size > limit)
      remove_kept_blob(own_dir, blob.name);
    else
      total += blob.size;
  }
}

}  // namespace strata

#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/base64.h"
#include "base/io.h"
#include "digest/digest.h"

namespace strata {
namespace {

constexpr std::size_t kMaxInstructions = BPF_MAXINSNS;

/// Another file in the same place is told apart by these.
std::string identity(const std::string& path) {
  struct stat st = {};
  if (::stat(path.c_str(), &st) < 0) return path;
  return fmt::format("{} {} {} {} {}.{}", path, st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec,
                     st.st_mtim.tv_nsec);
}

/// Whole instructions, the last of which gives a verdict, as the kernel demands.
bool is_program(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0) return false;
  if (bytes.size() / sizeof(sock_filter) > kMaxInstructions) return false;
  sock_filter last = {};
  std::memcpy(&last, bytes.data() + bytes.size() - sizeof last, sizeof last);
  return BPF_CLASS(last.code) == BPF_RET;
}

/// Nobody but this user can have written it.
bool is_ours(int fd) {
  struct stat st = {};
  return ::fstat(fd, &st) == 0 && st.st_uid == ::geteuid() && (st.st_mode & 022) == 0;
}

}  // namespace

std::string SeccompCache::key(std::string_view profile) const {
  return sha256(
             fmt::format("{}\n{}\n{}", identity(program_), identity("/etc/ld.so.cache"), profile))
      .hex();
}

std::string SeccompCache::find(const std::string& key) const {
  auto dir = open_at(AT_FDCWD, dir_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!dir || !is_ours(dir->get())) return "";
  auto text = read_file(dir->get(), key);
  return text ? *std::move(text) : "";
}

Result<void> SeccompCache::keep(const std::string& key, const std::string& bpf_path) const {
  auto program = TRY(read_file(AT_FDCWD, bpf_path));
  if (!is_program(program)) return Error(ErrorCode::Corrupt, bpf_path + ": no filter");
  TRY(make_dirs(AT_FDCWD, dir_, 0700));
  auto dir = TRY(open_at(AT_FDCWD, dir_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!is_ours(dir.get())) return Error(ErrorCode::Forbidden, dir_ + ": others can write to it");
  std::string text;
  append_base64(text, program);
  return write_file_atomic(dir.get(), key, text, 0600);
}

}  // namespace strata

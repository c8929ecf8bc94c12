#include "store/detail/file_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/io.h"
#include "fs/xattr.h"

namespace strata::detail {
namespace {

constexpr std::size_t kScratch = std::size_t{128} << 10;

Result<UniqueFd> create_file(int dir, const std::string& name, mode_t mode) {
  return open_at(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0777);
}

bool is_zero(std::string_view bytes) {
  return bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

/// Writes to a new file, but for blocks of zeros, which it has already.
Result<void> write_around_holes(int fd, std::int64_t at, std::string_view bytes) {
  constexpr std::int64_t kBlock = 4096;
  auto block_of = [&](std::string_view rest) {
    return rest.substr(0, static_cast<std::size_t>(kBlock - at % kBlock));
  };
  while (!bytes.empty()) {
    std::size_t size = 0;  // of the data or the hole at `at`
    const auto begin = at;
    const bool is_hole = is_zero(block_of(bytes));
    for (auto rest = bytes; !rest.empty(); rest = bytes.substr(size)) {
      auto block = block_of(rest);
      if (is_zero(block) != is_hole) break;
      size += block.size();
      at += static_cast<std::int64_t>(block.size());
    }
    if (!is_hole) {
      if (::lseek(fd, begin, SEEK_SET) < 0) return Error::from_errno(errno, "seek");
      TRY(write_all(fd, bytes.substr(0, size)));
    }
    bytes.remove_prefix(size);
  }
  return {};
}

Result<void> write_piece(int fd, std::int64_t at, std::string_view bytes,
                         FileWriter::Layout layout) {
  return layout == FileWriter::Layout::Sparse ? write_around_holes(fd, at, bytes)
                                              : write_all(fd, bytes);
}

/// What was passed over at the end of a sparse file belongs to it.
Result<void> set_size(int fd, std::int64_t size) {
  return ::ftruncate(fd, size) == 0 ? Result<void>() : Error::from_errno(errno, "ftruncate");
}

/// Copies the first `size` bytes of `from` into the new file `to`.
Result<void> copy_bytes(int from, int to, std::int64_t size, char* buffer,
                        FileWriter::Layout layout) {
  if (::lseek(from, 0, SEEK_SET) < 0) return Error::from_errno(errno, "seek");
  for (std::int64_t at = 0; at < size;) {
    auto want = std::min(static_cast<std::uint64_t>(size - at), std::uint64_t{kScratch});
    auto n = TRY(read_full(from, buffer, want));
    if (n < want) return Error(ErrorCode::Corrupt, "a file of another layer has become shorter");
    TRY(write_piece(to, at, {buffer, n}, layout));
    at += static_cast<std::int64_t>(n);
  }
  return {};
}

}  // namespace

FileWriter::Layout FileWriter::layout_of(const struct stat& st) {
  constexpr std::int64_t kUnit = 512;  // of st_blocks
  return st.st_blocks * kUnit < st.st_size ? Layout::Sparse : Layout::Plain;
}

Result<void> FileWriter::begin(const std::string& name, const tar::Entry& entry, Layout layout) {
  name_ = name;
  entry_ = entry;
  layout_ = layout;
  done_ = 0;
  write_back_ = {};
  out_ = UniqueFd();
  candidate_ = donors_.find(dirs_.path(), name_, entry_,
                            [this](ino_t inode) { return shared_.count(inode) != 0; });
  if (!candidate_) out_ = TRY(create_file(dirs_.fd(), name_, entry_.mode));
  return {};
}

Result<void> FileWriter::write(std::string_view bytes) {
  if (candidate_ && !TRY(candidate_goes_on_with(bytes))) TRY(write_instead());
  if (!candidate_) TRY(write_piece(out_.get(), done_, bytes, layout_));
  done_ += static_cast<std::int64_t>(bytes.size());
  if (!candidate_) write_back_.advance(out_.get(), done_);
  return {};
}

Result<void> FileWriter::end() {
  if (candidate_ && link({candidate_->donor, candidate_->inode, {}})) {
    candidate_.reset();
    return {};
  }
  if (candidate_) TRY(write_instead());
  if (layout_ == Layout::Sparse) TRY(set_size(out_.get(), entry_.size));
  TRY(metadata_.set_file(out_.get(), entry_, dirs_.inherits_group() ? Inode::Other : Inode::Plain));
  out_ = UniqueFd();
  return {};
}

Result<int> FileWriter::share(int source) {
  if (candidate_) return -1;
  if (::ioctl(out_.get(), FICLONE, source) < 0)
    return Error(ErrorCode::Unsupported, "no blocks can be shared");
  TRY(set_size(out_.get(), entry_.size));  // if the source has another one by now
  layout_ = Layout::Plain;
  return out_.get();
}

Result<bool> FileWriter::candidate_goes_on_with(std::string_view bytes) {
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, kScratch);
    auto n = TRY(read_full(candidate_->fd.get(), scratch(), piece.size()));
    if (n != piece.size() || std::memcmp(scratch(), piece.data(), n) != 0) return false;
    bytes.remove_prefix(n);
  }
  return true;
}

char* FileWriter::scratch() {
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<char[]>(kScratch);
  return scratch_.get();
}

/// False if it cannot be linked: too many links, another file system, removed meanwhile.
bool FileWriter::link(const Equal& equal) {
  int dir = donors_.directory(dirs_.path(), equal.donor);
  if (dir < 0 || ::linkat(dir, name_.c_str(), dirs_.fd(), name_.c_str(), 0) < 0) return false;
  shared_.insert(equal.inode);
  return true;
}

Result<void> FileWriter::put_equal(const std::string& name, const tar::Entry& entry,
                                   const Equal& equal, std::string_view content) {
  name_ = name;
  entry_ = entry;
  layout_ = Layout::Plain;
  done_ = 0;
  write_back_ = {};
  candidate_.reset();
  if (shared_.count(equal.inode) == 0 && link(equal)) return {};
  out_ = TRY(create_file(dirs_.fd(), name_, entry_.mode));
  if (equal.file)
    TRY(copy_bytes(equal.file->get(), out_.get(), entry_.size, scratch(), layout_));
  else
    TRY(write(content));
  return end();
}

/// Goes over to a file of its own; what has come so far is what the candidate begins with.
Result<void> FileWriter::write_instead() {
  out_ = TRY(create_file(dirs_.fd(), name_, entry_.mode));
  TRY(copy_bytes(candidate_->fd.get(), out_.get(), done_, scratch(), layout_));
  candidate_.reset();
  return {};
}

Result<void> FileWriter::make_own(int dir, const std::string& name, const struct stat& st) {
  if (shared_.erase(st.st_ino) == 0) return {};
  auto from = TRY(open_at(dir, name, O_RDONLY | O_NOFOLLOW));
  if (::unlinkat(dir, name.c_str(), 0) < 0) return Error::from_errno(errno, "unlink " + name);
  auto to = TRY(create_file(dir, name, st.st_mode));
  TRY(copy_bytes(from.get(), to.get(), st.st_size, scratch(), layout_of(st)));
  TRY(set_size(to.get(), st.st_size));
  tar::Entry entry;
  entry.mode = st.st_mode & 07777;
  entry.uid = st.st_uid;
  entry.gid = st.st_gid;
  entry.mtime = {st.st_mtim.tv_sec, static_cast<std::int32_t>(st.st_mtim.tv_nsec)};
  entry.xattrs = TRY(list_xattrs(from.get(), ""));
  return metadata_.set_file(to.get(), entry, Inode::Other);
}

}  // namespace strata::detail

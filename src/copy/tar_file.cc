#include "copy/detail/tar_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/io.h"
#include "base/random_id.h"
#include "tar/writer.h"

namespace strata::copy::detail {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kSizeField = 124;  // of 12 bytes
constexpr std::size_t kSumField = 148;   // of 8 bytes
constexpr std::int64_t kLargestOctal = 077777777777;
constexpr std::size_t kTarPiece = std::size_t{256} << 10;

Result<void> write_at(int fd, std::int64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return {};
}

void set_large_size(std::string& header, std::int64_t size) {
  for (std::size_t i = 0; i < 12; i++) {
    header[kSizeField + 11 - i] = static_cast<char>(i < 8 ? (size >> (8 * i)) & 0xff : 0);
  }
  header[kSizeField] = static_cast<char>(0x80);
  header.replace(kSumField, 8, 8, ' ');
  unsigned sum = 0;
  for (char c : header) sum += static_cast<unsigned char>(c);
  header.replace(kSumField, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
}

}  // namespace

Result<std::string> file_header(const std::string& name, std::int64_t size) {
  tar::Entry entry;
  entry.name = name;
  entry.type = tar::EntryType::Regular;
  entry.mode = 0644;
  entry.size = size > kLargestOctal ? 0 : size;
  std::string header;
  TRY(tar::append_header(header, entry));
  if (header.size() != kBlock)
    return Error(ErrorCode::InvalidArgument, name + ": too long for the name of a member");
  if (size > kLargestOctal) set_large_size(header, size);
  return header;
}

Result<TarFile> TarFile::create(const std::string& path) {
  auto temporary = fmt::format("{}.tmp-{}", path, random_hex(8));
  auto fd = TRY(open_at(AT_FDCWD, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  return TarFile(std::move(fd), path, std::move(temporary));
}

TarFile::TarFile(TarFile&& o) noexcept
    : fd_(std::move(o.fd_)),
      path_(std::move(o.path_)),
      temporary_(std::exchange(o.temporary_, {})),
      at_(o.at_) {}

TarFile::~TarFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> TarFile::add(const std::string& name, std::string_view content) {
  StringSource source(content);
  return add(source, [&] { return name; });
}

Result<void> TarFile::add(ByteSource& content, const std::function<std::string()>& name) {
  auto end = at_ + static_cast<std::int64_t>(kBlock);
  const auto begin = end;
  std::vector<char> buffer(kTarPiece);
  while (auto n = TRY(content.read(buffer))) {
    TRY(write_at(fd_.get(), end, {buffer.data(), n}));
    end += static_cast<std::int64_t>(n);
  }
  auto header = TRY(file_header(name(), end - begin));
  TRY(write_at(fd_.get(), at_, header));
  auto padding = tar::padding(end - begin);
  TRY(write_at(fd_.get(), end, padding));
  at_ = end + static_cast<std::int64_t>(padding.size());
  return {};
}

Result<void> TarFile::finish() {
  TRY(write_at(fd_.get(), at_, tar::end_marker()));
  if (::fsync(fd_.get()) < 0) return Error::from_errno(errno, "fsync " + path_);
  if (::rename(temporary_.c_str(), path_.c_str()) < 0)
    return Error::from_errno(errno, "rename " + path_);
  temporary_.clear();
  return {};
}

}  // namespace strata::copy::detail

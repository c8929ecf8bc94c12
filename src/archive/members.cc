#include "archive/members.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "archive/detail/range_source.h"
#include "base/interruptible_source.h"
#include "base/io.h"
#include "compress/detect.h"

namespace strata::archive {
namespace {

constexpr std::size_t kCopySize = std::size_t{256} << 10;
constexpr int kMaxDepth = 8;  // directories below a layout's

/// A file of its own, closed with the source.
class OwnedFileSource final : public ByteSource {
 public:
  explicit OwnedFileSource(UniqueFd file) : file_(std::move(file)), source_(file_.get()) {}
  Result<std::size_t> read(std::span<char> buffer) override { return source_.read(buffer); }

 private:
  UniqueFd file_;
  FdSource source_;
};

class DirectoryMembers final : public Members {
 public:
  explicit DirectoryMembers(UniqueFd root) : root_(std::move(root)) {}

  Result<std::unique_ptr<ByteSource>> open(const std::string& name) const override {
    auto file = open_in_root(root_.get(), name, Resolve::InRoot, O_RDONLY | O_NONBLOCK);
    if (!file && file.error().code() == ErrorCode::NotFound)
      return Error(ErrorCode::NotFound, name + ": no such member");
    if (!file) return std::move(file).error();
    struct stat st = {};
    if (::fstat(file->get(), &st) < 0) return Error::from_errno(errno, "stat " + name);
    if (!S_ISREG(st.st_mode)) return Error(ErrorCode::Corrupt, name + ": not a regular file");
    return std::unique_ptr<ByteSource>(std::make_unique<OwnedFileSource>(*std::move(file)));
  }

  bool contains(const std::string& name) const override {
    return open_in_root(root_.get(), name, Resolve::InRoot, O_PATH).has_value();
  }

  Result<std::vector<std::string>> names() const override {
    std::vector<std::string> names;
    TRY(collect(root_.get(), "", 0, names));
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  Result<void> collect(int dir, const std::string& prefix, int depth,
                       std::vector<std::string>& names) const {
    for (const auto& name : TRY(list_dir(dir))) {
      auto st = TRY(stat_at(dir, name));
      if (!S_ISDIR(st.st_mode)) {
        if (names.size() >= kMaxMembers) return Error(ErrorCode::Corrupt, "too many members");
        names.push_back(prefix + name);
      } else if (depth < kMaxDepth) {
        auto below = TRY(open_in_root(dir, name, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
        TRY(collect(below.get(), prefix + name + '/', depth + 1, names));
      }
    }
    return {};
  }

  UniqueFd root_;
};

/// A nameless file with the stream's bytes, without their compression.
Result<UniqueFd> spool(ByteSource& source, int dir,
                       const std::function<void(std::int64_t)>& copied) {
  auto file = TRY(open_at(dir, ".", O_RDWR | O_TMPFILE, 0600));
  auto plain = TRY(decompress(source));
  std::vector<char> buffer(kCopySize);
  std::int64_t bytes = 0;
  while (std::size_t n = TRY(plain->read(buffer))) {
    TRY(write_all(file.get(), {buffer.data(), n}).context("spool"));
    bytes += static_cast<std::int64_t>(n);
    if (copied) copied(bytes);
  }
  return file;
}

/// Whether the file from `begin` on is to be read as it stands.
Result<bool> is_plain(int fd, std::int64_t begin) {
  std::array<char, kDetectBytes> head{};
  ssize_t n = ::pread(fd, head.data(), head.size(), begin);
  if (n < 0) return Error::from_errno(errno, "read");
  auto format = detect_format({head.data(), static_cast<std::size_t>(n)});
  return format == StreamFormat::Tar || format == StreamFormat::Unknown;
}

}  // namespace

std::unique_ptr<Members> directory_members(UniqueFd directory) {
  return std::make_unique<DirectoryMembers>(std::move(directory));
}

Result<std::unique_ptr<Members>> open_members(UniqueFd fd, int spool_dir,
                                              const std::stop_token& stop,
                                              const std::function<void(std::int64_t)>& copied) {
  struct stat st = {};
  if (::fstat(fd.get(), &st) < 0) return Error::from_errno(errno, "stat");
  if (S_ISDIR(st.st_mode)) return directory_members(std::move(fd));
  if (S_ISREG(st.st_mode)) {
    off_t begin = ::lseek(fd.get(), 0, SEEK_CUR);
    if (begin < 0) return Error::from_errno(errno, "seek");
    if (TRY(is_plain(fd.get(), begin))) return index_tar(std::move(fd), begin);
  }
  InterruptibleSource source(fd.get(), stop);
  return index_tar(TRY(spool(source, spool_dir, copied)), 0);
}

Result<std::string> read_document(const Members& members, const std::string& name) {
  auto source = TRY(members.open(name));
  std::string text;
  std::vector<char> buffer(std::size_t{64} << 10);
  while (std::size_t n = TRY(source->read(buffer).context("{}", name))) {
    text.append(buffer.data(), n);
    if (static_cast<std::int64_t>(text.size()) > kMaxDocument)
      return Error(ErrorCode::Corrupt, fmt::format("{}: larger than {} bytes", name, kMaxDocument));
  }
  return text;
}

}  // namespace strata::archive

#include "build/context.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <unordered_set>
#include <vector>

#include "base/io.h"
#include "compress/detect.h"
#include "tar/writer.h"

namespace strata::build {
namespace {

constexpr std::size_t kMaxDockerfile = std::size_t{16} << 20;  // bytes

Error prepare_error(std::string_view what) {
  return Error(ErrorCode::InvalidArgument, fmt::format("unable to prepare context: {}", what));
}

/// Absolute and free of links, as docker's client shows paths; as given if that cannot be had.
std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) != nullptr ? std::string(buffer.data()) : path;
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  return real_path(".") + '/' + path;
}

/// `path` relative to `root`, if it lies below it.
std::optional<std::string> relative_to(const std::string& path, const std::string& root) {
  std::string prefix = root == "/" ? root : root + '/';
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// A stream whose first bytes have been looked at.
class PeekedSource final : public ByteSource {
 public:
  explicit PeekedSource(ByteSource& rest) : rest_(rest) {}
  Result<std::string_view> peek(std::size_t size) {
    head_.resize(size);
    head_.resize(TRY(read_full(rest_, head_)));
    return std::string_view(head_.data(), head_.size());
  }
  Result<std::size_t> read(std::span<char> buffer) override {
    if (at_ == head_.size()) return rest_.read(buffer);
    std::size_t n = std::min(buffer.size(), head_.size() - at_);
    std::copy_n(head_.data() + at_, n, buffer.data());
    at_ += n;
    return n;
  }

 private:
  ByteSource& rest_;
  std::vector<char> head_;
  std::size_t at_ = 0;
};

Result<std::string> read_text(ByteSource& source) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (std::size_t n = TRY(source.read(buffer))) {
    text.append(buffer.data(), n);
    if (text.size() > kMaxDockerfile) return prepare_error("the Dockerfile is larger than 16 MiB");
  }
  return text;
}

/// What a member of the context weighs in the tar that docker's client makes.
Result<std::int64_t> member_size(const SourceTree& tree, const SourceFile& file, bool hard_link,
                                 std::string& scratch) {
  tar::Entry e;
  e.name = file.path;
  e.mode = file.mode & 07777;
  e.mtime = file.mtime;
  switch (file.mode & S_IFMT) {
    case S_IFDIR:
      e.type = tar::EntryType::Directory;
      e.name += '/';
      break;
    case S_IFLNK:
      e.type = tar::EntryType::Symlink;
      e.linkname = TRY(tree.read_link(file));
      break;
    case S_IFREG:
      if (!hard_link) e.size = file.size;
      break;
    default:
      e.type = tar::EntryType::Fifo;
  }
  scratch.clear();
  TRY(tar::append_header(scratch, e));
  return static_cast<std::int64_t>(scratch.size() + tar::padding_size(e.size)) + e.size;
}

}  // namespace

Result<std::unique_ptr<Context>> Context::open(const Store& store, const ContextRequest& request) {
  if (request.path == "-" && request.dockerfile == "-")
    return Error(ErrorCode::InvalidArgument,
                 "invalid argument: can't use stdin for both build context and dockerfile");
  std::unique_ptr<Context> context(new Context());
  if (request.path == "-")
    TRY(context->open_stream(store, request));
  else
    TRY(context->open_directory(request));
  TRY(context->load_ignore_file());
  return context;
}

Result<void> Context::open_directory(const ContextRequest& request) {
  auto root = open_dir(AT_FDCWD, request.path);
  if (!root) {
    if (root.error().sys_errno() == ENOENT)
      return prepare_error(fmt::format("path \"{}\" not found", request.path));
    if (root.error().sys_errno() == ENOTDIR)
      return prepare_error(fmt::format("context must be a directory: {}", request.path));
    return prepare_error(root.error().message());
  }
  root_ = *std::move(root);
  if (request.dockerfile == "-") {
    FdSource in(request.stdin_fd);
    dockerfile_ = TRY(read_text(in));
    dockerfile_name_ = "Dockerfile";
    return {};
  }
  std::string directory = real_path(request.path);
  std::string path = request.dockerfile;
  if (path.empty()) {
    path = directory + "/Dockerfile";
    if (::access(path.c_str(), F_OK) != 0 &&
        ::access((directory + "/dockerfile").c_str(), F_OK) == 0)
      path = directory + "/dockerfile";
  }
  auto text = read_file(AT_FDCWD, path, kMaxDockerfile);
  if (!text) {
    if (text.error().sys_errno() == ENOENT)
      return prepare_error(fmt::format(
          "unable to evaluate symlinks in Dockerfile path: lstat {}: no such file or directory",
          absolute(path)));
    return prepare_error(text.error().message());
  }
  dockerfile_ = *std::move(text);
  dockerfile_name_ = base_name(path);
  if (auto inside = relative_to(real_path(path), directory)) dockerfile_path_ = *inside;
  return {};
}

Result<void> Context::open_stream(const Store& store, const ContextRequest& request) {
  scratch_ = TRY(LayerWriter::create(store, {}, {}));
  root_ = TRY(duplicate(scratch_->diff()));
  FdSource in(request.stdin_fd);
  PeekedSource peeked(in);
  auto format = detect_format(TRY(peeked.peek(kDetectBytes)));
  if (format == StreamFormat::Unknown) {
    dockerfile_ = TRY(read_text(peeked));
    dockerfile_name_ = "Dockerfile";
    return {};
  }
  auto tar = TRY(decompress(peeked).context("unable to prepare context"));
  TRY(scratch_->add_tar(*tar).context("unable to prepare context"));
  dockerfile_path_ = request.dockerfile.empty() ? "Dockerfile" : request.dockerfile;
  dockerfile_name_ = base_name(dockerfile_path_);
  auto fd = open_in_root(root_.get(), dockerfile_path_, Resolve::InRoot, O_RDONLY);
  if (!fd)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Cannot locate specified Dockerfile: {}", dockerfile_path_));
  dockerfile_ = TRY(read_all(fd->get(), kMaxDockerfile).context("{}", dockerfile_path_));
  return {};
}

Result<void> Context::load_ignore_file() {
  std::string text;
  for (const auto& name : {dockerfile_path_ + ".dockerignore", std::string(".dockerignore")}) {
    if (name == ".dockerignore" || !dockerfile_path_.empty()) {
      auto fd = open_in_root(root_.get(), name, Resolve::InRoot, O_RDONLY);
      if (!fd) continue;
      text = TRY(read_all(fd->get(), kMaxDockerfile).context("error checking context: {}", name));
      break;
    }
  }
  auto ignored = TRY(dockerfile::IgnoreMatcher::parse(text).context("error checking context"));
  files_ = std::make_unique<SourceTree>(root_.get(), std::move(ignored));
  return {};
}

Result<std::int64_t> Context::transfer_size() {
  auto end = static_cast<std::int64_t>(tar::end_marker().size());
  std::int64_t total = end;
  std::string scratch;
  std::unordered_set<ino_t> linked;
  bool has_dockerfile = dockerfile_path_.empty();
  for (const auto& file : TRY(files_->list("").context("error checking context"))) {
    if (file.is_directory() && files_->ignored(file.path)) continue;  // docker sends none
    bool again = !file.is_directory() && file.links > 1 && !linked.insert(file.inode).second;
    total += TRY(member_size(*files_, file, again, scratch));
    has_dockerfile = has_dockerfile || file.path == dockerfile_path_;
  }
  // The client sends these two even if they are ignored.
  auto plain_file = [](std::int64_t size) {
    return static_cast<std::int64_t>(tar::kBlock + tar::padding_size(size)) + size;
  };
  if (!has_dockerfile) total += plain_file(static_cast<std::int64_t>(dockerfile_.size()));
  auto ignore_file = stat_at(root_.get(), ".dockerignore");
  if (ignore_file && files_->ignored(".dockerignore")) total += plain_file(ignore_file->st_size);
  return total;
}

}  // namespace strata::build

#include "build/context.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <unordered_set>
#include <vector>

#include "base/io.h"
#include "base/random_id.h"
#include "build/paths.h"
#include "build/unpack.h"
#include "compress/detect.h"
#include "http/url.h"
#include "tar/reader.h"
#include "tar/writer.h"

namespace strata::build {
namespace {

constexpr const char* kDefaultName = "Dockerfile";
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

/// A stream whose first bytes have been looked at, and whose bytes are counted.
class PeekedSource final : public ByteSource {
 public:
  explicit PeekedSource(ByteSource& rest) : rest_(rest) {}
  std::int64_t count() const { return count_; }
  Result<std::string_view> peek(std::size_t size) {
    head_.resize(size);
    head_.resize(TRY(read_full(rest_, head_)));
    count_ = static_cast<std::int64_t>(head_.size());
    return std::string_view(head_.data(), head_.size());
  }
  Result<std::size_t> read(std::span<char> buffer) override {
    if (at_ == head_.size()) {
      std::size_t n = TRY(rest_.read(buffer));
      count_ += static_cast<std::int64_t>(n);
      return n;
    }
    std::size_t n = std::min(buffer.size(), head_.size() - at_);
    std::copy_n(head_.data() + at_, n, buffer.data());
    at_ += n;
    return n;
  }

 private:
  ByteSource& rest_;
  std::vector<char> head_;
  std::size_t at_ = 0;
  std::int64_t count_ = 0;
};

/// As docker's client judges: a known format, or a tar header of any age.
bool is_archive(std::string_view head) {
  if (detect_format(head) != StreamFormat::Unknown) return true;
  StringSource source(head);
  tar::Reader reader(source);
  auto first = reader.next();
  return head.size() == tar::kBlock && first && first->has_value();
}

/// A directory of that name wins over everything that the name could mean else.
bool is_directory(const std::string& path) {
  struct stat st = {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

Result<std::string> read_text(ByteSource& source) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (std::size_t n = TRY(source.read(buffer))) {
    text.append(buffer.data(), n);
    if (text.size() > kMaxDockerfile) return prepare_error("the Dockerfile is larger than 16 MiB");
  }
  return text;
}

/// Whether one block is enough for the header of a file, as it is for nearly all.
bool has_plain_header(const SourceFile& file) {
  constexpr std::int64_t kMaxOctal = 077777777777;
  return file.is_regular() && file.path.size() < 100 && file.size <= kMaxOctal &&
         file.mtime.seconds >= 0 && file.mtime.seconds <= kMaxOctal &&
         std::all_of(file.path.begin(), file.path.end(), [](char c) { return c > 0; });
}

/// What a member of the context weighs in the tar that docker's client makes.
Result<std::int64_t> member_size(const SourceTree& tree, const SourceFile& file, bool hard_link,
                                 std::string& scratch) {
  if (!hard_link && has_plain_header(file))
    return static_cast<std::int64_t>(tar::kBlock + tar::padding_size(file.size)) + file.size;
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

Result<std::unique_ptr<Context>> Context::open(const Store& store, const ContextRequest& request,
                                               const ContextEvents& events,
                                               const std::stop_token& stop) {
  if (request.path == "-" && request.dockerfile == "-")
    return Error(ErrorCode::InvalidArgument,
                 "invalid argument: can't use stdin for both build context and dockerfile");
  std::unique_ptr<Context> context(new Context());
  bool directory = is_directory(request.path);
  if (!directory && is_git_context(request.path)) {
    TRY(context->open_git(store, request, stop));
  } else if (!directory && (request.path == "-" || http::is_url(request.path))) {
    TRY(context->open_stream(store, request, events, stop));
    return context;
  } else {
    TRY(context->open_directory(request));
  }
  TRY(context->load_ignore_file());
  auto size = TRY(context->transfer_size());
  events.sending(size);
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
  return request.files_only ? Result<void>() : read_directory_dockerfile(request);
}

Result<void> Context::read_directory_dockerfile(const ContextRequest& request) {
  if (request.dockerfile == "-") {
    FdSource in(request.stdin_fd);
    dockerfile_ = TRY(read_text(in));
    dockerfile_name_ = kDefaultName;
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
  if (auto inside = relative_to(real_path(path), directory))
    dockerfile_path_ = *inside;
  else
    outer_path_ = path;
  return {};
}

Result<void> Context::open_git(const Store& store, const ContextRequest& request,
                               const std::stop_token& stop) {
  auto checkout = [&]() -> Result<GitCheckout> {
    auto source = TRY(parse_git_url(request.path));
    return fetch_git(store, source, {request.keep_git_dir, "", request.git_auth}, stop);
  }();
  if (!checkout) {
    if (checkout.error().code() == ErrorCode::Cancelled) return std::move(checkout).error();
    return prepare_error(checkout.error().message());
  }
  root_ = TRY(duplicate(checkout->root.get()));
  checkout_.emplace(*std::move(checkout));
  return request.files_only ? Result<void>() : find_dockerfile(request);
}

Result<void> Context::open_stream(const Store& store, const ContextRequest& request,
                                  const ContextEvents& events, const std::stop_token& stop) {
  auto name = "context-" + random_hex(8);
  TRY(store.note_work("strata/" + name));
  auto scratch = TRY(TempDir::create_named(store.own_dir(), name));
  root_ = TRY(duplicate(scratch.fd()));
  scratch_.emplace(std::move(scratch));
  if (request.path != "-") return open_url(store, request, events, stop);
  return read_stream(request.stdin_fd, request, events, stop);
}

Result<void> Context::open_url(const Store& store, const ContextRequest& request,
                               const ContextEvents& events, const std::stop_token& stop) {
  auto fetched = fetch_context(store, request.path, events.download, stop);
  if (!fetched) {
    if (fetched.error().code() == ErrorCode::Cancelled) return std::move(fetched).error();
    return prepare_error(fetched.error().message());
  }
  return read_stream(fetched->fd.get(), request, events, stop);
}

Result<void> Context::read_stream(int fd, const ContextRequest& request,
                                  const ContextEvents& events, const std::stop_token& stop) {
  FdSource in(fd);
  PeekedSource peeked(in);
  if (!is_archive(TRY(peeked.peek(tar::kBlock)))) return read_plain(peeked, request, events);
  auto unpacked = [&]() -> Result<void> {
    auto tar = TRY(decompress(peeked));
    return unpack(root_.get(), *tar, Marks::Names, stop);
  }();
  // docker's client sends all of the stream, whatever its daemon makes of it.
  std::array<char, 65536> rest;
  while (TRY(peeked.read(rest)) > 0 && !stop.stop_requested()) {
  }
  if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
  events.sending(peeked.count());
  if (!unpacked) {
    unpacked.error().add_context("Error processing tar file(exit status 1)");
    return unpacked;
  }
  if (!request.files_only) {
    TRY(find_dockerfile(request));
    TRY(remove_ignored());
  }
  files_ = std::make_unique<SourceTree>(root_.get(), dockerfile::IgnoreMatcher());
  return {};
}

/// What is no archive: a Dockerfile, or for --build-context any file.
Result<void> Context::read_plain(ByteSource& source, const ContextRequest& request,
                                 const ContextEvents& events) {
  if (request.dockerfile == "-") return prepare_error("build context is not an archive");
  if (request.files_only) return prepare_error(request.path + ": not an archive");
  TRY(read_dockerfile(source));
  files_ = std::make_unique<SourceTree>(root_.get(), dockerfile::IgnoreMatcher());
  auto size = TRY(transfer_size());
  events.sending(size);
  return {};
}

/// The whole context is a Dockerfile: docker makes a directory of it.
Result<void> Context::read_dockerfile(ByteSource& source) {
  dockerfile_ = TRY(read_text(source));
  dockerfile_name_ = dockerfile_path_ = kDefaultName;
  TRY(write_file(root_.get(), kDefaultName, dockerfile_, 0644));
  timespec times[2] = {};
  if (::utimensat(root_.get(), kDefaultName, times, 0) < 0)
    return Error::from_errno(errno, "set time of Dockerfile");
  return {};
}

Result<void> Context::find_dockerfile(const ContextRequest& request) {
  if (request.dockerfile == "-") {
    FdSource in(request.stdin_fd);
    dockerfile_ = TRY(read_text(in));
    dockerfile_name_ = kDefaultName;
    return {};
  }
  if (leaves_root(request.dockerfile))
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("forbidden path outside the build context: {} ()", request.dockerfile));
  std::vector<std::string> names = {request.dockerfile};
  if (request.dockerfile.empty()) names = {kDefaultName, "dockerfile"};
  for (const auto& name : names) {
    auto fd = open_in_root(root_.get(), name, Resolve::InRoot, O_RDONLY);
    if (!fd) continue;
    dockerfile_ = TRY(read_all(fd->get(), kMaxDockerfile).context("{}", name));
    dockerfile_name_ = dockerfile_path_ = name;
    return {};
  }
  return Error(ErrorCode::InvalidArgument,
               fmt::format("Cannot locate specified Dockerfile: {}", names[0]));
}

/// Of a tar docker's daemon takes these two away, if they are ignored, and nothing else.
Result<void> Context::remove_ignored() {
  auto file = open_in_root(root_.get(), ".dockerignore", Resolve::InRoot, O_RDONLY);
  if (!file) return {};
  auto text = TRY(read_all(file->get(), kMaxDockerfile).context("error reading .dockerignore"));
  auto ignored = dockerfile::IgnoreMatcher::parse(text);
  if (!ignored) return {};  // docker's daemon does not mind
  for (const auto& name : {std::string(".dockerignore"), dockerfile_path_}) {
    if (name.empty() || !ignored->ignored(name)) continue;
    auto slash = name.rfind('/');
    auto parent = slash == std::string::npos ? "." : name.substr(0, slash + 1);
    auto dir = TRY(open_in_root(root_.get(), parent, Resolve::InRoot, O_PATH | O_DIRECTORY));
    if (::unlinkat(dir.get(), base_name(name).c_str(), 0) < 0 && errno != ENOENT)
      return Error::from_errno(errno, "remove " + name);
  }
  return {};
}

/// The Dockerfile's own ignore file wins, wherever the Dockerfile is.
Result<void> Context::load_ignore_file() {
  constexpr const char* kName = ".dockerignore";
  Result<UniqueFd> file = Error(ErrorCode::NotFound, kName);
  std::string name = dockerfile_path_ + kName;
  if (!outer_path_.empty())
    file = open_at(AT_FDCWD, name = outer_path_ + kName, O_RDONLY);
  else if (!dockerfile_path_.empty())
    file = open_in_root(root_.get(), name, Resolve::InRoot, O_RDONLY);
  if (!file) file = open_in_root(root_.get(), name = kName, Resolve::InRoot, O_RDONLY);
  std::string text;
  if (file)
    text = TRY(read_all(file->get(), kMaxDockerfile).context("error checking context: {}", name));
  auto ignored = TRY(dockerfile::IgnoreMatcher::parse(text).context("error checking context"));
  files_ = std::make_unique<SourceTree>(root_.get(), std::move(ignored));
  return {};
}

/// Bytes of the tar that docker's client would have sent to a daemon. Walks the whole context.
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

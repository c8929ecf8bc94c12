#include "build/download.h"

#include <sys/stat.h>

#include <chrono>

#include "base/io.h"
#include "base/random_id.h"
#include "build/tarsum.h"
#include "http/client.h"
#include "http/url.h"

namespace strata::build {
namespace {

using Steady = std::chrono::steady_clock;

constexpr const char* kUnnamed = "__unnamed__";  // docker's name for a file without one
constexpr auto kEventInterval = std::chrono::milliseconds(100);
constexpr mode_t kDownloadMode = S_IFREG | 0600;

/// Writes a body to a file and tells how far it is.
class Download {
 public:
  Download(int fd, progress::Download progress, const DownloadEvent& event)
      : fd_(fd), progress_(progress), event_(event) {}

  http::Receiver receiver() {
    return {[this](const http::Response& head) {
              head_ = head;
              progress_.total = head.length;
              return Result<void>();
            },
            [this](std::string_view bytes) { return take(bytes); }};
  }

  bool begun() const { return head_.code != 0; }
  const http::Response& head() const { return head_; }
  std::int64_t bytes() const { return progress_.bytes; }

  /// The end of the body. Go's HTTP client finds the end of most bodies with their last byte, of
  /// others a read later, and docker's messages show the difference.
  void finish() {
    if (told_ == 0) tell(bytes() == 0 || head_.until_close);
    tell(true);
  }

 private:
  Result<void> take(std::string_view bytes) {
    TRY(write_all(fd_, bytes));
    progress_.bytes += static_cast<std::int64_t>(bytes.size());
    bool enough = head_.length ? progress_.bytes != *head_.length
                               : progress_.bytes - told_ > std::int64_t{512} << 10;
    if (enough && Steady::now() >= next_) tell(false);
    return {};
  }

  void tell(bool last) {
    progress_.last = last;
    if (event_) event_(progress_);
    told_ = std::max<std::int64_t>(progress_.bytes, 1);
    next_ = Steady::now() + kEventInterval;
  }

  int fd_;
  progress::Download progress_;
  const DownloadEvent& event_;
  http::Response head_;
  std::int64_t told_ = 0;  // bytes
  Steady::time_point next_;
};

std::string last_component(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  return name == "." || name == ".." || name.find('\0') != std::string::npos ? "" : name;
}

std::string_view trim_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Takes a token or a quoted string off the front of `text`.
std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    auto end = std::min(text.find(';'), text.size());
    value = trim_blanks(text.substr(0, end));
    text.remove_prefix(end);
    return value;
  }
  text.remove_prefix(1);
  while (!text.empty() && text[0] != '"') {
    if (text[0] == '\\' && text.size() > 1) text.remove_prefix(1);
    value += text[0];
    text.remove_prefix(1);
  }
  text.remove_prefix(std::min(text.find(';'), text.size()));
  return value;
}

/// `filename` of a Content-Disposition (RFC 6266), or its `filename*` in UTF-8.
std::string disposition_name(std::string_view header) {
  std::string name;
  auto rest = header.substr(std::min(header.find(';'), header.size()));
  while (rest.starts_with(';')) {
    rest.remove_prefix(1);
    auto equals = rest.find('=');
    if (equals == std::string_view::npos) break;
    std::string key(trim_blanks(rest.substr(0, equals)));
    for (char& c : key) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    rest = trim_blanks(rest.substr(equals + 1));
    auto value = take_value(rest);
    if (key == "filename") name = value;
    constexpr std::string_view kUtf8 = "utf-8''";
    if (key == "filename*" && value.size() > kUtf8.size())
      return http::decode_percent(std::string_view(value).substr(kUtf8.size()));
  }
  return name;
}

struct RemoteSums {
  std::string sum;  // docker's; unlike that of a context's file over type bits and owners' names
  Digest content;
};

Result<RemoteSums> remote_sums(const SourceTree& tree, const SourceFile& file) {
  TarsumHeader header;
  header.name = file.path;
  header.mode = file.mode;
  header.size = file.size;
  header.uname = header.gname = "root";
  auto hasher = begin_tarsum(header);
  auto fd = TRY(tree.open(file));
  FdSource content(fd.get());
  std::string buffer(std::size_t{256} << 10, '\0');
  Hasher plain;
  while (std::size_t n = TRY(content.read(buffer))) {
    hasher.update(buffer.data(), n);
    plain.update(buffer.data(), n);
  }
  return RemoteSums{hasher.finish().hex(), plain.finish()};
}

}  // namespace

std::string download_name(std::string_view url, std::string_view content_disposition) {
  auto parts = http::parse_url(url);
  auto name = parts ? last_component(parts->path) : "";
  return name.empty() ? last_component(disposition_name(content_disposition)) : name;
}

Result<std::unique_ptr<LooseFile>> fetch_file(const Store& store, const RemoteRequest& request,
                                              progress::StepReport& output,
                                              const DownloadEvent& event,
                                              const std::stop_token& stop) {
  auto scratch = "add-" + random_hex(8);
  TRY(store.note_work("strata/" + scratch));
  auto directory = TRY(TempDir::create_named(store.own_dir(), scratch));
  auto fd = TRY(open_at(directory.fd(), kUnnamed, O_RDWR | O_CREAT | O_EXCL, 0600));
  Download download(fd.get(), {.url = request.url}, event);
  auto fetched = http::get(request.url, download.receiver(), stop);
  if (!fetched) {
    if (download.begun()) output.write("\n");
    return std::move(fetched).error();
  }
  // What docker's progress messages leave on something that is no terminal.
  if (download.bytes() == 0) output.write("Downloading\n");
  if (download.bytes() == 0 || download.head().until_close) output.write("\n");
  download.finish();
  output.write("\n");

  auto name = download_name(request.url, download.head().content_disposition);
  if (name.empty() && request.into_directory)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("cannot determine filename for source {}", request.url));
  if (name.empty()) name = kUnnamed;
  if (::renameat(directory.fd(), kUnnamed, directory.fd(), name.c_str()) < 0)
    return Error::from_errno(errno, "rename " + name);
  Time mtime = download.head().last_modified.value_or(Time{});
  timespec times[2] = {{mtime.seconds, 0}, {mtime.seconds, 0}};
  if (::fchmod(fd.get(), kDownloadMode & 07777) < 0 || ::futimens(fd.get(), times) < 0)
    return Error::from_errno(errno, "set mode and time of " + name);

  auto tree = std::make_unique<SourceTree>(directory.fd(), dockerfile::IgnoreMatcher());
  auto file = make_source_file(name, TRY(stat_at(directory.fd(), name)));
  auto sums = TRY(remote_sums(*tree, file));
  return std::make_unique<LooseFile>(LooseFile{std::move(directory),
                                               std::move(tree),
                                               {name, std::move(file), ""},
                                               std::move(sums.sum),
                                               sums.content,
                                               true});
}

Result<FetchedStream> fetch_context(const Store& store, const std::string& url,
                                    const DownloadEvent& event, const std::stop_token& stop) {
  FetchedStream stream;
  stream.fd = TRY(open_at(store.own_dir(), ".", O_RDWR | O_TMPFILE, 0600));
  Download download(stream.fd.get(), {.url = url}, event);
  auto fetched = http::get(url, download.receiver(), stop);
  if (download.begun()) download.finish();
  if (!fetched) {
    if (download.begun())
      fetched.error().add_context("failed to peek context header from STDIN");
    else
      fetched.error().add_context(fmt::format("unable to download remote context {}", url));
    return std::move(fetched).error();
  }
  stream.bytes = download.bytes();
  if (::lseek(stream.fd.get(), 0, SEEK_SET) < 0) return Error::from_errno(errno, "seek");
  return stream;
}

}  // namespace strata::build

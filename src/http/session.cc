#include "http/session.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>

#include "http/detail/handle.h"
#include "http/url.h"

namespace strata::http {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs";
constexpr long kStallSeconds = 60;  // without a byte: the connection is dead
constexpr std::size_t kMaxHeaders = std::size_t{64} << 10;  // bytes of a head that are kept
constexpr std::size_t kReceive = std::size_t{256} << 10;    // bytes that are read at once

/// "Get", "Head": as Go writes a method in an error.
std::string verb_of(const std::string& method) {
  return method.substr(0, 1) + detail::lower_case(method.substr(1));
}

/// Without control characters: parts of it may come to a terminal.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

/// A list of headers as libcurl takes them.
class HeaderList {
 public:
  explicit HeaderList(const detail::Curl& curl) : curl_(curl) {}
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_.free_all(list_); }
  void add(const std::string& line) {
    if (auto* longer = curl_.append(list_, line.c_str()); longer != nullptr) list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  const detail::Curl& curl_;
  curl_slist* list_ = nullptr;
};

/// One request and its answer: what libcurl's callbacks see.
class Exchange {
 public:
  Exchange(const detail::Curl& curl, detail::Handle& handle, const Request& request,
           const Session::Body& body, const std::stop_token& stop)
      : curl_(curl), handle_(handle), request_(request), body_(body), stop_(stop), lines_(curl) {}

  Result<Answer> run(const Tls& tls) {
    handle_.prepare(request_.url);
    set_tls(tls);
    set_request();
    set_callbacks();
    CURLcode code = curl_.perform(handle_.easy());
    give_body();
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    if (error_) return *std::move(error_);
    if (code != CURLE_OK) return handle_.error(code, verb_of(request_.method), request_.url);
    complete_head();
    return std::move(answer_);
  }

 private:
  void set_tls(const Tls& tls) {
    if (!tls.verify) {
      handle_.set(CURLOPT_SSL_VERIFYPEER, 0L);
      handle_.set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!tls.authorities.empty()) {
      curl_blob blob = {const_cast<char*>(tls.authorities.data()), tls.authorities.size(),
                        CURL_BLOB_COPY};
      handle_.set(CURLOPT_CAINFO_BLOB, &blob);
      handle_.set(CURLOPT_CAPATH, kSystemAuthorities);
    }
    if (!tls.certificate.empty()) handle_.set(CURLOPT_SSLCERT, tls.certificate.c_str());
    if (!tls.key.empty()) handle_.set(CURLOPT_SSLKEY, tls.key.c_str());
  }

  void set_request() {
    const auto& method = request_.method;
    if (method == "HEAD") {
      handle_.set(CURLOPT_NOBODY, 1L);
    } else if (request_.body != nullptr) {
      handle_.set(CURLOPT_UPLOAD, 1L);
      handle_.set(CURLOPT_CUSTOMREQUEST, method.c_str());
      handle_.set(CURLOPT_INFILESIZE_LARGE,
                  static_cast<curl_off_t>(request_.body_size.value_or(-1)));
      handle_.set(CURLOPT_READFUNCTION, &Exchange::on_read);
      handle_.set(CURLOPT_READDATA, this);
      handle_.set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
      if (!request_.body_size) lines_.add("Transfer-Encoding: chunked");
    } else if (method == "POST" || method == "PUT" || method == "PATCH") {
      handle_.set(CURLOPT_POST, 1L);
      handle_.set(CURLOPT_POSTFIELDS, "");
      handle_.set(CURLOPT_POSTFIELDSIZE, 0L);
      handle_.set(CURLOPT_CUSTOMREQUEST, method.c_str());
      lines_.add("Content-Type:");
    } else if (method != "GET") {
      handle_.set(CURLOPT_CUSTOMREQUEST, method.c_str());
    }
    lines_.add("Expect:");
    for (const auto& [name, value] : request_.headers) lines_.add(name + ": " + value);
    handle_.set(CURLOPT_HTTPHEADER, lines_.get());
    handle_.set(CURLOPT_BUFFERSIZE, static_cast<long>(kReceive));
    handle_.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    handle_.set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  }

  void set_callbacks() {
    handle_.set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    handle_.set(CURLOPT_HEADERDATA, this);
    handle_.set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
    handle_.set(CURLOPT_WRITEDATA, this);
    handle_.set(CURLOPT_XFERINFOFUNCTION, &Exchange::on_progress);
    handle_.set(CURLOPT_XFERINFODATA, this);
    handle_.set(CURLOPT_NOPROGRESS, 0L);
  }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self) {
    static_cast<Exchange*>(self)->header({bytes, size});
    return size;
  }
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) {
    return static_cast<Exchange*>(self)->gather({bytes, size}) ? size : CURL_WRITEFUNC_ERROR;
  }
  static std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* self) {
    return static_cast<Exchange*>(self)->read({buffer, size});
  }
  /// After each read from the socket, among others.
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* exchange = static_cast<Exchange*>(self);
    return !exchange->give_body() || exchange->stop_.stop_requested() ? 1 : 0;
  }

  void header(std::string_view line) {
    line = detail::trim(line);
    if (line.starts_with("HTTP/")) {  // that of a "100 Continue" or of a proxy comes first
      answer_ = {};
      head_bytes_ = 0;
      auto blank = line.find(' ');
      auto status = blank == std::string_view::npos ? "" : detail::trim(line.substr(blank));
      std::from_chars(status.data(), status.data() + status.size(), answer_.code);
      answer_.status = printable(detail::full_status(answer_.code, status));
      return;
    }
    auto colon = line.find(':');
    head_bytes_ += line.size();
    if (colon == std::string_view::npos || head_bytes_ > kMaxHeaders) return;
    answer_.headers.emplace_back(detail::lower_case(line.substr(0, colon)),
                                 printable(detail::trim(line.substr(colon + 1))));
  }

  void complete_head() {
    if (complete_) return;
    complete_ = true;
    curl_off_t length = -1;
    curl_.getinfo(handle_.easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length >= 0) answer_.length = length;
  }

  /// libcurl cuts what it has read into pieces of 16 KiB: they are given away as one.
  bool gather(std::string_view bytes) {
    complete_head();
    if (gathered_.capacity() == 0) gathered_.reserve(kReceive);
    if (gathered_.size() + bytes.size() > kReceive && !give_body()) return false;
    gathered_.append(bytes);
    return true;
  }

  /// False if the body's taker has refused some of it.
  bool give_body() {
    if (gathered_.empty() || error_) return !error_;
    auto taken = body_(answer_, gathered_);
    if (!taken) error_ = std::move(taken).error();
    gathered_.clear();
    return !error_;
  }

  std::size_t read(std::span<char> buffer) {
    if (stop_.stop_requested()) return CURL_READFUNC_ABORT;
    auto n = request_.body->read(buffer);
    if (n) return *n;
    error_ = std::move(n).error();
    return CURL_READFUNC_ABORT;
  }

  const detail::Curl& curl_;
  detail::Handle& handle_;
  const Request& request_;
  const Session::Body& body_;
  const std::stop_token& stop_;
  HeaderList lines_;
  Answer answer_;
  std::string gathered_;  // of the body, not given away yet
  std::size_t head_bytes_ = 0;
  bool complete_ = false;
  std::optional<Error> error_;  // of the body's taker or giver
};

}  // namespace

const std::string& Answer::header(std::string_view name) const {
  static const std::string kNone;
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return kNone;
}

struct Session::State {
  Tls tls;
  std::mutex mutex;                                   // guards `idle`
  std::vector<std::unique_ptr<detail::Handle>> idle;  // each with its open connections

  Result<std::unique_ptr<detail::Handle>> take(const detail::Curl& curl) {
    {
      std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto handle = std::move(idle.back());
        idle.pop_back();
        return handle;
      }
    }
    auto handle = std::make_unique<detail::Handle>(curl);
    TRY(handle->open());
    return handle;
  }
};

Session::Session(Tls tls) : state_(std::make_unique<State>()) { state_->tls = std::move(tls); }
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Answer> Session::send(const Request& request, const Body& body,
                             const std::stop_token& stop) {
  TRY(parse_url(request.url));
  const auto* curl = TRY(detail::load_curl());
  auto handle = TRY(state_->take(*curl));
  auto answer = Exchange(*curl, *handle, request, body, stop).run(state_->tls);
  if (!answer) return answer;  // and the connection is closed with its handle
  std::lock_guard lock(state_->mutex);
  state_->idle.push_back(std::move(handle));
  return answer;
}

std::string resolve_url(std::string_view base, std::string_view location) {
  bool is_absolute = location.find("://") < location.find_first_of("/?#") + 1;
  if (is_url(location) || is_absolute) return std::string(location);
  auto scheme = base.find("://");
  if (scheme == std::string_view::npos) return std::string(location);
  if (location.starts_with("//")) return fmt::format("{}:{}", base.substr(0, scheme), location);
  auto path = base.find_first_of("/?#", scheme + 3);
  auto authority = base.substr(0, path);
  if (location.starts_with('/')) return fmt::format("{}{}", authority, location);
  if (path == std::string_view::npos) return fmt::format("{}/{}", authority, location);
  auto whole = base.substr(0, base.find_first_of("?#", path));
  if (location.empty()) return std::string(whole);
  if (location.starts_with('?')) return fmt::format("{}{}", whole, location);
  return fmt::format("{}{}", whole.substr(0, whole.rfind('/') + 1), location);
}

std::string origin_of(std::string_view url) {
  auto parts = parse_url(url);
  if (!parts) return std::string(url);
  auto scheme = detail::lower_case(url.substr(0, url.find("://")));
  auto host = detail::lower_case(parts->host);
  auto colon = host.rfind(':');
  bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  if (has_port) return fmt::format("{}://{}", scheme, host);
  return fmt::format("{}://{}:{}", scheme, host, scheme == "https" ? 443 : 80);
}

}  // namespace strata::http

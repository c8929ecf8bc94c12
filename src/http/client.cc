#include "http/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "http/detail/curl.h"
#include "http/url.h"

namespace strata::http {
namespace {

constexpr long kMostRedirects = 9;    // ten requests, as Go
constexpr long kConnectSeconds = 30;  // as Go
constexpr int kErrorsFrom = 400;
constexpr std::size_t kErrorBody = std::size_t{64} << 10;  // bytes of it that are shown

/// HTTP/2 has no reason phrases; Go fills in those of its table.
constexpr struct {
  int code;
  const char* reason;
} kReasons[] = {
    {400, "Bad Request"},         {401, "Unauthorized"},
    {403, "Forbidden"},           {404, "Not Found"},
    {405, "Method Not Allowed"},  {406, "Not Acceptable"},
    {408, "Request Timeout"},     {410, "Gone"},
    {429, "Too Many Requests"},   {500, "Internal Server Error"},
    {501, "Not Implemented"},     {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"},
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

/// Without the host of this machine, which Go never reaches through a proxy.
std::string no_proxy() {
  std::string hosts = "localhost,127.0.0.0/8,::1";
  for (const char* name : {"no_proxy", "NO_PROXY"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
      return hosts + ',' + value;
  return hosts;
}

std::string error_text(int number) {
  std::array<char, 256> buffer{};
  std::string text = ::strerror_r(number, buffer.data(), buffer.size());
  return lower_case(text.substr(0, 1)) + text.substr(1);
}

/// One GET: what libcurl's callbacks collect.
class Transfer {
 public:
  Transfer(const detail::Curl& curl, const std::string& url, const Receiver& to,
           const std::stop_token& stop)
      : curl_(curl), url_(url), to_(to), stop_(stop) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy_ != nullptr) curl_.cleanup(easy_);
  }

  Result<void> run() {
    easy_ = curl_.init();
    if (easy_ == nullptr) return Error(ErrorCode::System, "libcurl: cannot allocate memory");
    set_options();
    CURLcode code = curl_.perform(easy_);
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    if (receiver_error_) return *std::move(receiver_error_);
    if (code != CURLE_OK) return transfer_error(code);
    if (head_.code >= kErrorsFrom) return status_error();
    return begin_body();  // if there was none
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.setopt(easy_, option, value);
  }

  void set_options() {
    set(CURLOPT_URL, escaped_url(url_).c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
    set(CURLOPT_USERAGENT, "strata/" STRATA_VERSION);
    set(CURLOPT_NOPROXY, no_proxy().c_str());
    if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
      set(CURLOPT_CAINFO, file);
    set(CURLOPT_ERRORBUFFER, error_buffer_.data());
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
  }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self) {
    static_cast<Transfer*>(self)->header({bytes, size});
    return size;
  }
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->body({bytes, size}) ? size : CURL_WRITEFUNC_ERROR;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->stop_.stop_requested() ? 1 : 0;
  }
  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address) {
    static_cast<Transfer*>(self)->remember(*address);
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  void remember(const curl_sockaddr& address) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(&address.addr, address.addrlen, host.data(), host.size(), port.data(),
                      port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
      return;
    std::string name = host.data();
    if (address.family == AF_INET6) name = '[' + name + ']';
    address_ = fmt::format("{}:{}", name, port.data());
  }

  /// One line of a head; that of a redirect is followed by another head.
  void header(std::string_view line) {
    line = trim(line);
    if (line.starts_with("HTTP/")) {
      head_ = {};
      encoded_ = chunked_ = false;
      auto blank = line.find(' ');
      status_ = blank == std::string_view::npos ? "" : trim(line.substr(blank));
      std::from_chars(status_.data(), status_.data() + status_.size(), head_.code);
      return;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    auto name = lower_case(line.substr(0, colon));
    auto value = trim(line.substr(colon + 1));
    if (name == "location") location_ = value;
    if (name == "last-modified") head_.last_modified = parse_http_date(value);
    if (name == "content-disposition") head_.content_disposition = value;
    if (name == "content-encoding") encoded_ = true;
    if (name == "transfer-encoding") chunked_ = true;
  }

  bool body(std::string_view bytes) {
    if (head_.code >= kErrorsFrom) {
      error_body_ += bytes.substr(0, kErrorBody - error_body_.size());
      return true;
    }
    auto taken = begin_body();
    if (taken) taken = to_.body(bytes);
    if (!taken) receiver_error_ = std::move(taken).error();
    return !receiver_error_;
  }

  Result<void> begin_body() {
    if (begun_) return {};
    begun_ = true;
    curl_off_t length = -1;
    curl_.getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length >= 0 && !encoded_) head_.length = length;
    head_.until_close = length < 0 && !encoded_ && !chunked_;
    return to_.head(head_);
  }

  Error status_error() const {
    std::string status = status_;
    if (status.find(' ') == std::string::npos)
      for (const auto& known : kReasons)
        if (known.code == head_.code) status += fmt::format(" {}", known.reason);
    return Error(
        head_.code == 404 ? ErrorCode::NotFound : ErrorCode::Unavailable,
        fmt::format("failed to GET {} with status {}: {}", url_, status, trim(error_body_)));
  }

  Error get_error(std::string_view url, std::string_view why) const {
    return Error(ErrorCode::Unavailable, fmt::format("Get \"{}\": {}", shown_url(url), why));
  }

  /// The URL of the last request.
  std::string last_url() const {
    const char* url = nullptr;
    if (location_.empty() || curl_.getinfo(easy_, CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK ||
        url == nullptr)
      return url_;
    return url;
  }

  Error transfer_error(CURLcode code) const {
    auto dial = [&](std::string_view why) {
      return get_error(last_url(), fmt::format("dial tcp {}: {}", address_, why));
    };
    long number = 0;
    curl_.getinfo(easy_, CURLINFO_OS_ERRNO, &number);
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST: {
        auto parts = parse_url(last_url());
        std::string host = parts ? parts->host.substr(0, parts->host.rfind(':')) : "";
        return get_error(last_url(), fmt::format("dial tcp: lookup {}: no such host", host));
      }
      case CURLE_COULDNT_CONNECT:
        return dial("connect: " +
                    error_text(number != 0 ? static_cast<int>(number) : ECONNREFUSED));
      case CURLE_OPERATION_TIMEDOUT:
        return dial("i/o timeout");
      case CURLE_GOT_NOTHING:
        return get_error(last_url(), "EOF");
      case CURLE_TOO_MANY_REDIRECTS:
        return get_error(location_, fmt::format("stopped after {} redirects", kMostRedirects + 1));
      case CURLE_UNSUPPORTED_PROTOCOL:
        return get_error(location_, fmt::format("unsupported protocol scheme \"{}\"",
                                                location_.substr(0, location_.find(':'))));
      case CURLE_PARTIAL_FILE:
        return Error(ErrorCode::Unavailable, "unexpected EOF");
      default:
        return get_error(last_url(),
                         error_buffer_[0] != '\0' ? error_buffer_.data() : curl_.strerror(code));
    }
  }

  const detail::Curl& curl_;
  const std::string& url_;
  const Receiver& to_;
  const std::stop_token& stop_;
  CURL* easy_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_buffer_{};
  Response head_;
  std::string status_;    // "404 Not Found"
  std::string location_;  // of the last redirect, as it came
  std::string address_;   // that was last connected to
  std::string error_body_;
  bool encoded_ = false;  // the length that is announced is not that of the body
  bool chunked_ = false;
  bool begun_ = false;
  std::optional<Error> receiver_error_;
};

}  // namespace

std::optional<Time> parse_http_date(std::string_view text) {
  const std::string date(text);
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    tm parts = {};
    const char* end = ::strptime(date.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return Time{::timegm(&parts), 0};
  }
  return std::nullopt;
}

Result<void> get(const std::string& url, const Receiver& to, const std::stop_token& stop) {
  TRY(parse_url(url));
  const auto* curl = TRY(detail::load_curl());
  return Transfer(*curl, url, to, stop).run();
}

}  // namespace strata::http

#include "http/client.h"

#include <fmt/format.h>
#include <time.h>

#include <charconv>

#include "http/detail/curl.h"
#include "http/detail/handle.h"
#include "http/url.h"

namespace strata::http {
namespace {

constexpr long kMostRedirects = 9;  // ten requests, as Go
constexpr int kErrorsFrom = 400;
constexpr std::size_t kErrorBody = std::size_t{64} << 10;  // bytes of it that are shown

/// One GET: what libcurl's callbacks collect.
class Transfer {
 public:
  Transfer(const detail::Curl& curl, const std::string& url, const Receiver& to,
           const std::stop_token& stop)
      : curl_(curl), url_(url), to_(to), stop_(stop) {}

  Result<void> run() {
    TRY(handle_.open());
    set_options();
    CURLcode code = curl_.perform(handle_.easy());
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    if (receiver_error_) return *std::move(receiver_error_);
    if (code != CURLE_OK) return transfer_error(code);
    if (head_.code >= kErrorsFrom) return status_error();
    return begin_body();  // if there was none
  }

 private:
  void set_options() {
    auto set = [this](CURLoption option, auto value) { handle_.set(option, value); };
    handle_.prepare(url_);
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
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
  /// One line of a head; that of a redirect is followed by another head.
  void header(std::string_view line) {
    line = detail::trim(line);
    if (line.starts_with("HTTP/")) {
      head_ = {};
      encoded_ = chunked_ = false;
      auto blank = line.find(' ');
      status_ = blank == std::string_view::npos ? "" : detail::trim(line.substr(blank));
      std::from_chars(status_.data(), status_.data() + status_.size(), head_.code);
      return;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    auto name = detail::lower_case(line.substr(0, colon));
    auto value = detail::trim(line.substr(colon + 1));
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
    curl_.getinfo(handle_.easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length >= 0 && !encoded_) head_.length = length;
    head_.until_close = length < 0 && !encoded_ && !chunked_;
    return to_.head(head_);
  }

  Error status_error() const {
    return Error(head_.code == 404 ? ErrorCode::NotFound : ErrorCode::Unavailable,
                 fmt::format("failed to GET {} with status {}: {}", url_,
                             detail::full_status(head_.code, status_), detail::trim(error_body_)));
  }

  /// The URL of the last request.
  std::string last_url() const {
    const char* url = nullptr;
    if (location_.empty() ||
        curl_.getinfo(handle_.easy(), CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK || url == nullptr)
      return url_;
    return url;
  }

  Error transfer_error(CURLcode code) const {
    auto error = [this](std::string_view why) {
      return Error(ErrorCode::Unavailable,
                   fmt::format("Get \"{}\": {}", shown_url(location_), why));
    };
    switch (code) {
      case CURLE_TOO_MANY_REDIRECTS:
        return error(fmt::format("stopped after {} redirects", kMostRedirects + 1));
      case CURLE_UNSUPPORTED_PROTOCOL:
        return error(fmt::format("unsupported protocol scheme \"{}\"",
                                 location_.substr(0, location_.find(':'))));
      default:
        return handle_.error(code, "Get", last_url());
    }
  }

  const detail::Curl& curl_;
  const std::string& url_;
  const Receiver& to_;
  const std::stop_token& stop_;
  detail::Handle handle_{curl_};
  Response head_;
  std::string status_;    // "404 Not Found"
  std::string location_;  // of the last redirect, as it came
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

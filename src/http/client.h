#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "base/clock.h"

namespace strata::http {

/// The head of an answer, redirects followed.
struct Response {
  int code = 0;                        // below 400
  std::optional<std::int64_t> length;  // bytes of the body, if that is known beforehand
  bool until_close = false;            // only its end tells where the body ends
  std::optional<Time> last_modified;   // if there is one that can be read
  std::string content_disposition;     // as it came; "" without one
};

/// Takes an answer: `head` once, then the body in pieces.
struct Receiver {
  std::function<Result<void>(const Response& head)> head;
  ByteSink body;
};

/// GETs `url` as Go's http.Get does, so that servers and users see what docker would show them: up
/// to 10 requests, proxies of the environment (none for the machine itself), gzip taken off the
/// transfer, SSL_CERT_FILE. libcurl does the work and is loaded at the first call: Unsupported if
/// this machine has none.
///
/// Errors are docker's: `Get "http://x/": dial tcp 127.0.0.1:80: connect: connection refused`,
/// `failed to GET http://x/ with status 404 Not Found: <body>`, "unexpected EOF" for a body that is
/// cut short; or the receiver's. Cancelled soon after `stop` is requested. Any thread.
Result<void> get(const std::string& url, const Receiver& to, const std::stop_token& stop);

/// Reads an HTTP date (RFC 9110, 5.6.7, all three forms).
std::optional<Time> parse_http_date(std::string_view text);

}  // namespace strata::http

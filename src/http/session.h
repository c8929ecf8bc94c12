#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_stream.h"

namespace strata::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// How servers prove who they are, and this machine to them.
struct Tls {
  bool verify = true;
  std::string authorities;  // PEM: trusted beside the system's
  std::string certificate;  // files, PEM; empty: none
  std::string key;
};

/// One request. Redirects are not followed: who sends credentials decides where they go.
struct Request {
  std::string method = "GET";
  std::string url;
  Headers headers;
  ByteSource* body = nullptr;             // read while it is sent
  std::optional<std::int64_t> body_size;  // bytes; nullopt: in chunks, as many as come
};

/// The head of an answer, whatever its code.
struct Answer {
  int code = 0;
  std::string status;                  // "404 Not Found"
  Headers headers;                     // names in lower case, as they came
  std::optional<std::int64_t> length;  // bytes of the body; of a HEAD what a GET would give

  /// The first of that name (lower case); "" without one.
  const std::string& header(std::string_view name) const;
};

/// Sends requests, with connections that are kept for the next one. libcurl does the work and is
/// loaded at the first request: Unsupported if this machine has none. Any thread, and several at
/// once.
class Session {
 public:
  explicit Session(Tls tls);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Takes the body in pieces, together with the head.
  using Body = std::function<Result<void>(const Answer& head, std::string_view bytes)>;

  /// An error if there is no whole answer, as http::get() says it (with the method in place of
  /// Get), of `body`, or of the request's body; Unavailable for all that another try may mend.
  /// Cancelled soon after `stop` is requested.
  Result<Answer> send(const Request& request, const Body& body, const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `location` of an answer to a request for `base`, as an absolute URL (RFC 3986, 5.2, without
/// dot-segments: servers that redirect give none).
std::string resolve_url(std::string_view base, std::string_view location);

/// "https://host:port" of a URL, in lower case and with the port written out.
std::string origin_of(std::string_view url);

}  // namespace strata::http

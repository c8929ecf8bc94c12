#pragma once

#include <array>
#include <string>
#include <string_view>

#include "http/detail/curl.h"

namespace strata::http::detail {

std::string_view trim(std::string_view text);
std::string lower_case(std::string_view text);

/// "404 Not Found": HTTP/2 has no reason phrases; Go fills in those of its table, and so does this.
std::string full_status(int code, std::string_view status);

/// A handle of libcurl that behaves as Go's net/http, and says in Go's words what went wrong. Does
/// not move: libcurl keeps its address.
class Handle {
 public:
  explicit Handle(const Curl& curl) : curl_(curl) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  Result<void> open();
  /// For a new request: drops what was set, and sets what every request has. Connections are kept.
  void prepare(const std::string& url);

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.setopt(easy_, option, value);
  }

  CURL* easy() const { return easy_; }

  /// What `code` means for that request: `Get "http://x/": dial tcp 127.0.0.1:80: connect:
  /// connection refused`. `verb` is the method, written as Go does.
  Error error(CURLcode code, std::string_view verb, const std::string& url) const;

 private:
  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address);
  void remember(const curl_sockaddr& address);
  std::string tls_error() const;

  const Curl& curl_;
  CURL* easy_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_buffer_{};
  std::string address_;  // that was last connected to
};

}  // namespace strata::http::detail

#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "registry/detail/authorizer.h"
#include "registry/endpoint.h"

namespace strata::registry::detail {

/// One request to a registry.
struct Call {
  std::string method = "GET";
  std::string url;  // whole, or what stands behind the endpoint's
  http::Headers headers;
  Scopes scopes;
  ByteSource* body = nullptr;  // then the call is made once
  std::optional<std::int64_t> body_size;
  bool repeats = true;       // is made again when that may help
  http::Session::Body sink;  // of an answer below 300; may be empty
};

/// A registry at one of its endpoints: sends calls to it, with what lets them in. Any thread.
class Server {
 public:
  using Warn = std::function<void(const std::string& host, const std::string& text)>;

  /// `warn` (may be empty) hears the warnings of its answers.
  Server(Endpoint endpoint, std::optional<Credentials> credentials, std::stop_token stop,
         Warn warn = {});

  const Endpoint& endpoint() const { return endpoint_; }
  Authorizer& authorizer() { return authorizer_; }

  /// Asks whether it is a registry and what it wants to know, at the first call; an error if
  /// nothing can be heard.
  Result<void> ping();
  /// Gives an answer below 300, redirects followed; all else is an error, which `refused` tells
  /// apart.
  Result<http::Answer> send(Call call);
  /// The same, and whatever the answer is that came last, it and its body.
  struct Outcome {
    http::Answer answer;
    std::string body;  // of an answer of 300 and above
  };
  Result<Outcome> try_send(Call call);

  /// Waits before try number `tries` (1, 2, ...), or as long as a server has said (at most two
  /// minutes). Cancelled.
  Result<void> pause(int tries, const std::string& retry_after) const;

 private:
  Result<Outcome> send_once(const Call& call);
  void pass_warnings(const http::Answer& answer) const;

  Endpoint endpoint_;
  std::stop_token stop_;
  Warn warn_;
  http::Session session_;
  Authorizer authorizer_;
  std::mutex mutex_;  // guards `is_known_`, while it becomes so
  bool is_known_ = false;
};

inline constexpr int kMostTries = 5;

/// Whether the same request may later be answered otherwise.
bool is_passing(int status);

}  // namespace strata::registry::detail

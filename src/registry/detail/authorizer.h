#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "http/session.h"
#include "image/json.h"
#include "registry/challenge.h"
#include "registry/credentials.h"

namespace strata::registry::detail {

using Scopes = std::set<std::string>;  // "repository:library/x:pull"

/// What the Authorization header of a registry must be. Any thread.
class Authorizer {
 public:
  /// `base` is the URL of the registry; all are borrowed.
  Authorizer(http::Session& session, std::string base, std::optional<Credentials> credentials)
      : session_(session), base_(std::move(base)), credentials_(std::move(credentials)) {}

  /// What the registry answered to somebody it does not know; replaces what was known.
  void set_challenges(std::vector<Challenge> challenges);

  /// The header for those scopes; "" if the registry wants none. A token is fetched if there is
  /// none, or with `renew`. Unauthorized "no basic auth credentials", or what the token server
  /// says.
  Result<std::string> header(const Scopes& scopes, bool renew, const std::stop_token& stop);

  /// The refresh token that the server gave for the credentials with `offline_token`; "" if none.
  Result<std::string> identity_token(const std::stop_token& stop);

 private:
  struct Token {
    std::string text;
    std::chrono::steady_clock::time_point end;
  };

  Result<Token> fetch(const Challenge& challenge, const Scopes& scopes,
                      const std::stop_token& stop);
  Result<http::Request> token_request(const Challenge& challenge, const Scopes& scopes) const;
  Result<std::string> basic() const;
  Result<Json> ask(http::Request request, const std::string& body, const std::stop_token& stop);

  http::Session& session_;
  std::string base_;
  std::optional<Credentials> credentials_;
  std::mutex mutex_;  // guards what follows; held while a token is fetched, so that one is enough
  std::vector<Challenge> challenges_;
  std::map<Scopes, Token> tokens_;
};

}  // namespace strata::registry::detail

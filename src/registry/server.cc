#include "registry/detail/server.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>

#include "base/clock.h"
#include "http/client.h"
#include "registry/detail/answer.h"
#include "registry/detail/headers.h"
#include "registry/detail/warning.h"

namespace strata::registry::detail {
namespace {

constexpr int kMostRedirects = 10;
constexpr auto kFirstPause = std::chrono::milliseconds(500);
constexpr auto kLongestPause = std::chrono::seconds(120);

std::vector<Challenge> challenges_of(const http::Answer& answer) {
  std::vector<Challenge> all;
  for (const auto& [name, value] : answer.headers)
    if (name == "www-authenticate")
      for (auto& challenge : parse_challenges(value)) all.push_back(std::move(challenge));
  return all;
}

bool is_redirect(const http::Answer& answer) {
  int code = answer.code;
  return (code == 301 || code == 302 || code == 303 || code == 307 || code == 308) &&
         !answer.header("location").empty();
}

/// Collects the body of an answer that is no success.
Result<void> keep(std::string_view bytes, std::string& body) {
  if (body.size() + bytes.size() > kMaxErrorBody)
    return Error(ErrorCode::Corrupt,
                 fmt::format("an error of the registry is longer than {} bytes", kMaxErrorBody));
  body += bytes;
  return {};
}

}  // namespace

bool is_passing(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

Server::Server(Endpoint endpoint, std::optional<Credentials> credentials, std::stop_token stop,
               Warn warn)
    : endpoint_(std::move(endpoint)),
      stop_(std::move(stop)),
      warn_(std::move(warn)),
      session_(endpoint_.tls),
      authorizer_(session_, endpoint_.url, std::move(credentials)) {}

Result<void> Server::pause(int tries, const std::string& retry_after) const {
  std::chrono::milliseconds wait = kFirstPause * (1 << std::min(tries - 1, 8));
  if (auto asked = wait_asked_for(retry_after))
    wait = std::max<std::chrono::milliseconds>(*asked, kFirstPause);
  wait = std::min<std::chrono::milliseconds>(wait, kLongestPause);
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop_, wait, [] { return false; });
  if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
  return {};
}

Result<void> Server::ping() {
  std::lock_guard lock(mutex_);
  if (is_known_) return {};
  for (int tries = 1;; tries++) {
    http::Request request;
    request.url = endpoint_.url + '/';
    std::string body;
    auto take = [&](const http::Answer&, std::string_view bytes) { return keep(bytes, body); };
    auto answer = TRY(session_.send(request, take, stop_));
    if (is_passing(answer.code)) {
      if (tries == kMostTries) return refused(answer, body);
      TRY(pause(tries, answer.header("retry-after")));
      continue;
    }
    if (answer.code == 401) authorizer_.set_challenges(challenges_of(answer));
    is_known_ = true;
    return {};
  }
}

void Server::pass_warnings(const http::Answer& answer) const {
  if (!warn_) return;
  for (const auto& [name, value] : answer.headers)
    if (name == "warning")
      for (const auto& text : parse_warnings(value)) warn_(endpoint_.host(), text);
}

/// One try, with redirects and at most one new token.
Result<Server::Outcome> Server::send_once(const Call& call) {
  http::Request request;
  request.method = call.method;
  request.url = call.url.starts_with('/') ? endpoint_.url + call.url : call.url;
  request.body = call.body;
  request.body_size = call.body_size;
  const auto home = http::origin_of(endpoint_.url);
  bool renewed = false;
  for (int redirects = 0;;) {
    request.headers = call.headers;
    bool at_home = http::origin_of(request.url) == home;
    if (at_home) {
      auto header = authorizer_.header(call.scopes, renewed, stop_);
      if (!header && call.method == "GET")
        return std::move(header).context("Get \"{}\"", request.url).error();
      auto value = TRY(std::move(header));
      if (!value.empty()) request.headers.emplace_back("Authorization", std::move(value));
    }
    std::string body;
    auto take = [&](const http::Answer& answer, std::string_view bytes) -> Result<void> {
      if (answer.code < 300) return call.sink ? call.sink(answer, bytes) : Result<void>();
      return keep(bytes, body);
    };
    auto answer = TRY(session_.send(request, take, stop_));
    if (at_home) pass_warnings(answer);
    if (answer.code == 401 && at_home && !renewed && call.body == nullptr) {
      if (auto challenges = challenges_of(answer); !challenges.empty())
        authorizer_.set_challenges(std::move(challenges));
      renewed = true;
      continue;
    }
    bool follows = is_redirect(answer) && (call.method == "GET" || call.method == "HEAD");
    if (!follows) return Outcome{std::move(answer), std::move(body)};
    auto next = http::resolve_url(request.url, answer.header("location"));
    if (++redirects == kMostRedirects)
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("Get \"{}\": stopped after {} redirects", next, kMostRedirects));
    request.url = std::move(next);
  }
}

Result<Server::Outcome> Server::try_send(Call call) {
  TRY(ping());
  for (int tries = 1;; tries++) {
    auto outcome = send_once(call);
    bool last = !call.repeats || call.body != nullptr || tries == kMostTries;
    if (outcome && (last || !is_passing(outcome->answer.code))) return outcome;
    if (!outcome && (last || outcome.error().code() != ErrorCode::Unavailable)) return outcome;
    TRY(pause(tries, outcome ? outcome->answer.header("retry-after") : ""));
  }
}

Result<http::Answer> Server::send(Call call) {
  auto outcome = TRY(try_send(std::move(call)));
  if (outcome.answer.code >= 300) return refused(outcome.answer, outcome.body);
  return std::move(outcome.answer);
}

}  // namespace strata::registry::detail

#include "registry/detail/authorizer.h"

#include <algorithm>

#include "http/url.h"
#include "image/json.h"
#include "registry/detail/answer.h"

namespace strata::registry::detail {
namespace {

using namespace std::chrono_literals;

constexpr const char* kClient = "strata";
constexpr auto kShortestLife = 60s;  // of a token, whatever its server says (docker's rule)
constexpr auto kMargin = 10s;        // before its end a token counts as old
constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;  // bytes of a token server's answer
constexpr int kMaxRedirects = 5;

const Challenge* find(const std::vector<Challenge>& challenges, std::string_view scheme) {
  auto found = std::find_if(challenges.begin(), challenges.end(),
                            [&](const Challenge& c) { return c.scheme == scheme; });
  return found == challenges.end() ? nullptr : &*found;
}

std::string parameter(const Challenge& challenge, const char* name) {
  auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? "" : found->second;
}

std::string joined(const Scopes& scopes) {
  std::string out;
  for (const auto& scope : scopes) out += (out.empty() ? "" : " ") + scope;
  return out;
}

/// A header cannot hold everything that a server may call a token.
bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

void Authorizer::set_challenges(std::vector<Challenge> challenges) {
  std::lock_guard lock(mutex_);
  challenges_ = std::move(challenges);
}

Result<std::string> Authorizer::basic() const {
  if (!credentials_ || credentials_->username.empty())
    return Error(ErrorCode::Unauthorized, "no basic auth credentials");
  return "Basic " + base64_encode(credentials_->username + ':' + credentials_->password);
}

Result<std::string> Authorizer::header(const Scopes& scopes, bool renew,
                                       const std::stop_token& stop) {
  std::lock_guard lock(mutex_);
  if (const auto* bearer = find(challenges_, "bearer"); bearer != nullptr) {
    auto known = tokens_.find(scopes);
    bool good = known != tokens_.end() && !renew &&
                std::chrono::steady_clock::now() + kMargin < known->second.end;
    if (!good) {
      auto token = TRY(fetch(*bearer, scopes, stop));
      known = tokens_.insert_or_assign(scopes, std::move(token)).first;
    }
    return "Bearer " + known->second.text;
  }
  if (find(challenges_, "basic") != nullptr) return basic();
  return std::string();
}

/// The answer of a token server, as JSON.
Result<Json> Authorizer::ask(http::Request request, const std::string& body,
                             const std::stop_token& stop) {
  std::string text;
  auto take = [&](const http::Answer&, std::string_view bytes) -> Result<void> {
    if (text.size() + bytes.size() > kMaxAnswer)
      return Error(ErrorCode::Corrupt, "the answer of the token server is too long");
    text += bytes;
    return {};
  };
  for (int redirects = 0;; redirects++) {
    text.clear();
    StringSource source(body);
    if (!body.empty()) {
      request.body = &source;
      request.body_size = static_cast<std::int64_t>(body.size());
    }
    auto answer = TRY(session_.send(request, take, stop));
    const auto& location = answer.header("location");
    bool moved = request.method == "GET" && answer.code >= 300 && answer.code < 400;
    if (moved && !location.empty() && redirects < kMaxRedirects) {
      auto next = http::resolve_url(request.url, location);
      if (http::origin_of(next) != http::origin_of(request.url)) request.headers.clear();
      request.url = std::move(next);
      continue;
    }
    if (answer.code != 200) return refused(answer, text);
    auto json = Json::parse(text);
    if (!json || !json->is_object())
      return Error(ErrorCode::Corrupt, "the answer of the token server is not JSON");
    return json;
  }
}

Result<http::Request> Authorizer::token_request(const Challenge& challenge,
                                                const Scopes& scopes) const {
  auto realm = parameter(challenge, "realm");
  if (!http::is_url(realm))
    return Error(ErrorCode::Corrupt, fmt::format("unable to get a token: bad realm \"{}\"", realm));
  if (base_.starts_with("https://") && realm.starts_with("http://") && credentials_)
    return Error(ErrorCode::Forbidden,
                 fmt::format("{} asks for the password without encryption", realm));
  http::Request request;
  request.url = realm;
  char separator = realm.find('?') == std::string::npos ? '?' : '&';
  auto add = [&](const char* name, const std::string& value) {
    request.url += fmt::format("{}{}={}", separator, name, percent_encode(value));
    separator = '&';
  };
  if (auto service = parameter(challenge, "service"); !service.empty()) add("service", service);
  for (const auto& scope : scopes) add("scope", scope);
  if (credentials_ && !credentials_->username.empty()) {
    add("account", credentials_->username);
    request.headers.emplace_back("Authorization", TRY(basic()));
  }
  return request;
}

Result<Authorizer::Token> Authorizer::fetch(const Challenge& challenge, const Scopes& scopes,
                                            const std::stop_token& stop) {
  auto request = TRY(token_request(challenge, scopes));
  std::string body;
  if (credentials_ && !credentials_->identity_token.empty()) {
    request.method = "POST";
    request.url = parameter(challenge, "realm");
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    body = fmt::format("grant_type=refresh_token&refresh_token={}&client_id={}&service={}&scope={}",
                       percent_encode(credentials_->identity_token), kClient,
                       percent_encode(parameter(challenge, "service")),
                       percent_encode(joined(scopes)));
  }
  auto json = TRY(ask(std::move(request), body, stop));
  auto text = json["token"].as_string();
  if (text.empty()) text = json["access_token"].as_string();
  if (text.empty() || !is_header_text(text))
    return Error(ErrorCode::Corrupt,
                 "authorization server did not include a token in the response");
  auto life = std::clamp<std::chrono::seconds>(std::chrono::seconds(json["expires_in"].as_int()),
                                               kShortestLife, 24h);
  return Token{std::move(text), std::chrono::steady_clock::now() + life};
}

Result<std::string> Authorizer::identity_token(const std::stop_token& stop) {
  std::lock_guard lock(mutex_);
  const auto* bearer = find(challenges_, "bearer");
  if (bearer == nullptr) return std::string();
  auto request = TRY(token_request(*bearer, {}));
  request.url += fmt::format("{}offline_token=true&client_id={}",
                             request.url.find('?') == std::string::npos ? '?' : '&', kClient);
  auto json = TRY(ask(std::move(request), "", stop));
  return json["refresh_token"].as_string();
}

}  // namespace strata::registry::detail

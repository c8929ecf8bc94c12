#include "registry/detail/repository_state.h"

#include "http/url.h"
#include "registry/detail/headers.h"

namespace strata::registry {

using detail::Call;
using detail::Server;

namespace {

constexpr int kMostPages = 10'000;  // of a list

}  // namespace

namespace detail {

Scopes scopes_of(const std::string& path, Access access) {
  const char* actions = access == Access::Push     ? ":pull,push"
                        : access == Access::Delete ? ":pull,delete"
                                                   : ":pull";
  return {"repository:" + path + actions};
}

http::Session::Body into(std::string& text, std::int64_t limit, std::string what) {
  return [&text, limit, what = std::move(what)](const http::Answer&,
                                                std::string_view bytes) -> Result<void> {
    if (static_cast<std::int64_t>(text.size() + bytes.size()) > limit)
      return Error(ErrorCode::Corrupt, fmt::format("{} is larger than {} bytes", what, limit));
    text += bytes;
    return {};
  };
}

}  // namespace detail

detail::Scopes Repository::State::scopes() const { return detail::scopes_of(name.path, access); }

Result<void> Repository::State::open() {
  if (!servers.empty()) return {};
  if (name.domain.empty())
    return Error(ErrorCode::InvalidArgument, "invalid reference format: no registry in the name");
  auto credentials = TRY(find_credentials(settings, name.domain, name.path));
  for (auto& endpoint : TRY(endpoints_of(settings, name.domain))) {
    if (access != Access::Pull && !endpoint.can_push) continue;
    // What is known for a registry is not shown to its mirrors.
    auto url = TRY(http::parse_url(endpoint.url));
    bool is_other = endpoint.is_mirror && url.host != name.domain;
    auto known = is_other ? std::nullopt : credentials;
    servers.push_back(
        std::make_unique<Server>(std::move(endpoint), std::move(known), stop, settings.warn));
  }
  if (servers.empty())
    return Error(ErrorCode::Unsupported,
                 fmt::format("no host of {} takes pushes (hosts.toml)", name.domain));
  return {};
}

Call Repository::State::call(const Server& server, const char* method,
                             const std::string& rest) const {
  Call call;
  call.method = method;
  call.url = '/' + name.path + rest;
  if (const auto& space = server.endpoint().name_space; !space.empty())
    call.url += (rest.find('?') == std::string::npos ? "?ns=" : "&ns=") + space;
  call.scopes = scopes();
  return call;
}

Error Repository::State::unknown(const Reference& reference, const Server::Outcome& outcome) const {
  auto refusal = detail::read_refusal(outcome.answer, outcome.body);
  const auto& code = refusal.code;
  if (code == "MANIFEST_UNKNOWN" || (code.empty() && outcome.answer.code == 404))
    return Error(ErrorCode::NotFound, fmt::format("manifest for {} not found: {}",
                                                  reference.familiar(), refusal.message));
  if (code == "NAME_UNKNOWN")
    return Error(ErrorCode::NotFound, fmt::format("repository {} not found: {}",
                                                  reference.familiar_name(), refusal.message));
  if (code == "DENIED")
    return Error(ErrorCode::NotFound,
                 fmt::format("pull access denied for {}, repository does not exist or may require "
                             "'docker login': {}",
                             reference.familiar_name(), refusal.message));
  return detail::refused(outcome.answer, outcome.body);
}

Result<Document> Repository::State::manifest(Server& server, const Reference& reference) {
  auto what = reference.digest ? reference.digest->str() : reference.tag;
  auto get = call(server, "GET", "/manifests/" + what);
  for (auto type : {kDockerManifest, kDockerIndex, kOciManifest, kOciIndex})
    get.headers.emplace_back("Accept", type);
  Document document;
  get.sink = detail::into(document.bytes, kMaxDocument, "manifest " + what);
  auto outcome = TRY(server.try_send(std::move(get)));
  if (outcome.answer.code >= 300) return unknown(reference, outcome);
  document.media_type = outcome.answer.header("content-type");
  document.digest = sha256(document.bytes);
  if (reference.digest && document.digest != *reference.digest)
    return Error(ErrorCode::Corrupt,
                 fmt::format("manifest verification failed for digest {}", what));
  return document;
}

Result<void> Repository::State::pages(
    Server& server, const std::string& rest, const std::string& what,
    const std::function<Result<void>(const Json&, const http::Answer&)>& take) {
  auto url = call(server, "GET", rest).url;
  for (int pages = 0; pages < kMostPages; pages++) {
    Call get;
    get.url = url;
    get.scopes = scopes();
    std::string text;
    get.sink = detail::into(text, kMaxDocument, what);
    auto outcome = TRY(server.try_send(std::move(get)));
    if (outcome.answer.code >= 300) return unknown(name, outcome);
    auto json = TRY(Json::parse(text).context("{}", what));
    TRY(take(json, outcome.answer));
    auto next = detail::next_page(outcome.answer.header("link"));
    if (next.empty()) return {};
    url = http::resolve_url(server.endpoint().url + "/", next);
  }
  return Error(ErrorCode::Corrupt, what + " does not end");
}

}  // namespace strata::registry

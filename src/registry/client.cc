#include "registry/client.h"

#include "registry/detail/answer.h"
#include "registry/detail/blob_transfer.h"
#include "registry/detail/repository_state.h"

namespace strata::registry {

using detail::Call;
using detail::Server;

namespace {

constexpr std::size_t kMostTags = 100'000;

}  // namespace

Repository::Repository(const Settings& settings, const Reference& name, Access access,
                       std::stop_token stop)
    : state_(std::make_unique<State>()) {
  state_->settings = settings;
  state_->name = name.without_tag_and_digest();
  state_->access = access;
  state_->follow.emplace(std::move(stop), [s = state_.get()] { s->own_stop.request_stop(); });
}
Repository::Repository(Repository&&) noexcept = default;
Repository::~Repository() = default;

void Repository::cancel() { state_->own_stop.request_stop(); }

Result<Document> Repository::manifest(const Reference& reference) {
  return state_->with_server([&](Server& s) { return state_->manifest(s, reference); });
}

Result<std::vector<std::string>> Repository::tags() {
  std::vector<std::string> all;
  auto take = [&](const Json& page, const http::Answer&) -> Result<void> {
    for (auto& tag : page["tags"].as_strings())
      if (is_valid_tag(tag)) all.push_back(std::move(tag));
    if (all.size() > kMostTags) return Error(ErrorCode::Corrupt, "too many tags");
    return {};
  };
  TRY(state_->with_server([&](Server& s) {
    all.clear();
    return state_->pages(s, "/tags/list", "the list of tags", take);
  }));
  return all;
}

Result<std::string> Repository::document(const Descriptor& blob) {
  if (blob.size > kMaxDocument)
    return Error(ErrorCode::Corrupt,
                 fmt::format("blob {} is larger than {} bytes", blob.digest.str(), kMaxDocument));
  std::string text;
  auto take = [&](std::int64_t, std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  };
  TRY(this->blob(blob, 0, take));
  if (auto digest = sha256(text); digest != blob.digest)
    return Error(ErrorCode::Corrupt,
                 fmt::format("expected digest {}, got {}", blob.digest.str(), digest.str()));
  return text;
}

Result<void> Repository::blob(const Descriptor& blob, std::int64_t from, const BlobSink& sink) {
  auto* server = TRY(state_->server());
  return detail::BlobTransfer(blob, from, sink)
      .run(*server, state_->call(*server, "GET", "/blobs/" + blob.digest.str()));
}

Result<std::optional<std::int64_t>> Repository::blob_size(const Digest& digest) {
  auto* server = TRY(state_->server());
  auto outcome = TRY(server->try_send(state_->call(*server, "HEAD", "/blobs/" + digest.str())));
  const auto& answer = outcome.answer;
  if (answer.code == 404) return std::optional<std::int64_t>();
  if (answer.code >= 300) return detail::refused(answer, outcome.body);
  return answer.length;
}

Result<Credentials> log_in(const Settings& settings, const std::string& domain,
                           const Credentials& credentials, std::stop_token stop) {
  auto endpoints = TRY(endpoints_of(settings, domain));
  std::optional<Error> last;
  for (auto& endpoint : endpoints) {
    if (endpoint.is_mirror) continue;
    Server server(std::move(endpoint), credentials, stop, settings.warn);
    if (auto heard = server.ping(); !heard) {
      last = std::move(heard).error();
      continue;
    }
    Call get;
    get.url = "/";
    auto outcome = TRY(server.try_send(std::move(get)));
    if (outcome.answer.code >= 300)
      return Error(outcome.answer.code == 401 ? ErrorCode::Unauthorized : ErrorCode::Unavailable,
                   fmt::format("login attempt to {}/ failed with status: {}", server.endpoint().url,
                               outcome.answer.status));
    auto token = server.authorizer().identity_token(stop);
    auto kept = credentials;
    if (token && !token->empty()) kept = {credentials.username, "", *token};
    return kept;
  }
  return *std::move(last);
}

}  // namespace strata::registry

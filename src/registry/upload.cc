#include "http/url.h"
#include "registry/client.h"
#include "registry/detail/answer.h"
#include "registry/detail/repository_state.h"

namespace strata::registry {

using detail::Call;
using detail::Server;

namespace {

constexpr int kMostUploads = 3;  // times that an upload is begun

std::string with_digest(const std::string& url, const Digest& digest) {
  return fmt::format("{}{}digest={}", url, url.find('?') == std::string::npos ? '?' : '&',
                     detail::percent_encode(digest.str()));
}

/// Calls `once` until it works or there is no hope.
Result<void> repeat(Server& server, const std::function<Result<void>()>& once) {
  for (int tries = 1;; tries++) {
    auto done = once();
    if (done || tries == kMostUploads || done.error().code() != ErrorCode::Unavailable) return done;
    TRY(server.pause(tries, ""));
  }
}

}  // namespace

Result<std::string> Repository::State::begin_upload(Server& server, const std::string& query,
                                                    const std::string& from) {
  auto post = call(server, "POST", "/blobs/uploads/" + query);
  if (!from.empty()) post.scopes.merge(detail::scopes_of(from, Access::Pull));
  auto answer = TRY(server.send(std::move(post)));
  if (answer.code == 201) return std::string();
  const auto& location = answer.header("location");
  if (location.empty())
    return Error(ErrorCode::Corrupt, "the registry does not say where an upload goes");
  return http::resolve_url(server.endpoint().url + "/", location);
}

Call Repository::State::upload_call(const char* method, std::string url, ByteSource* body,
                                    std::optional<std::int64_t> size) const {
  Call call;
  call.method = method;
  call.url = std::move(url);
  call.scopes = scopes();
  call.body = body;
  call.body_size = size;
  if (body != nullptr) call.headers.emplace_back("Content-Type", "application/octet-stream");
  return call;
}

Result<bool> Repository::mount(const Digest& digest, const std::string& from) {
  auto* server = TRY(state_->server());
  auto query = fmt::format("?mount={}&from={}", detail::percent_encode(digest.str()),
                           detail::percent_encode(from));
  auto location = state_->begin_upload(*server, query, from);
  if (!location && location.error().code() == ErrorCode::Cancelled)
    return std::move(location).error();
  if (!location) return false;
  if (location->empty()) return true;
  Call cancel;  // the upload that the registry has begun instead
  cancel.method = "DELETE";
  cancel.url = *location;
  cancel.scopes = state_->scopes();
  cancel.repeats = false;
  (void)server->try_send(std::move(cancel));
  return false;
}

Result<void> Repository::upload(const Digest& digest, std::string_view bytes) {
  auto* server = TRY(state_->server());
  return repeat(*server, [&]() -> Result<void> {
    auto location = TRY(state_->begin_upload(*server, "", ""));
    StringSource source(bytes);
    auto put = state_->upload_call("PUT", with_digest(location, digest), &source,
                                   static_cast<std::int64_t>(bytes.size()));
    TRY(server->send(std::move(put)));
    return {};
  });
}

Result<void> Repository::upload(const std::function<Result<std::unique_ptr<ByteSource>>()>& open,
                                const std::function<Digest()>& digest) {
  auto* server = TRY(state_->server());
  return repeat(*server, [&]() -> Result<void> {
    auto location = TRY(state_->begin_upload(*server, "", ""));
    auto source = TRY(open());
    auto sent =
        TRY(server->send(state_->upload_call("PATCH", location, source.get(), std::nullopt)));
    if (const auto& next = sent.header("location"); !next.empty())
      location = http::resolve_url(location, next);
    auto put = state_->upload_call("PUT", with_digest(location, digest()), nullptr, {});
    put.repeats = false;
    TRY(server->send(std::move(put)));
    return {};
  });
}

Result<void> Repository::put_manifest(const std::string& tag, const Document& document) {
  auto* server = TRY(state_->server());
  auto what = tag.empty() ? document.digest.str() : tag;
  return repeat(*server, [&]() -> Result<void> {
    StringSource source(document.bytes);
    auto put = state_->call(*server, "PUT", "/manifests/" + what);
    put.headers.emplace_back("Content-Type", document.media_type);
    put.body = &source;
    put.body_size = static_cast<std::int64_t>(document.bytes.size());
    TRY(server->send(std::move(put)));
    return {};
  });
}

}  // namespace strata::registry

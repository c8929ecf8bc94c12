#include "registry/client.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "http/url.h"
#include "registry/detail/answer.h"
#include "registry/detail/headers.h"
#include "registry/detail/server.h"

namespace strata::registry {
namespace {

using detail::Call;
using detail::Scopes;
using detail::Server;

constexpr std::size_t kMostTags = 100'000;
constexpr int kMostPages = 10'000;  // of a list of tags
constexpr int kMostUploads = 3;     // times that an upload is begun

Scopes scopes_of(const std::string& path, Access access) {
  return {"repository:" + path + (access == Access::Push ? ":pull,push" : ":pull")};
}

/// Collects a body of at most `limit` bytes.
http::Session::Body into(std::string& text, std::int64_t limit, std::string what) {
  return [&text, limit, what = std::move(what)](const http::Answer&,
                                                std::string_view bytes) -> Result<void> {
    if (static_cast<std::int64_t>(text.size() + bytes.size()) > limit)
      return Error(ErrorCode::Corrupt, fmt::format("{} is larger than {} bytes", what, limit));
    text += bytes;
    return {};
  };
}

/// One reading of a blob from where it has got to; see Repository::blob().
class BlobTransfer {
 public:
  BlobTransfer(const Descriptor& blob, std::int64_t from, const Repository::BlobSink& sink)
      : blob_(blob), sink_(sink), reached_(from) {}

  Result<void> run(Server& server, Call call) {
    call.repeats = false;
    call.sink = [this](const http::Answer& answer, std::string_view bytes) {
      return take(answer, bytes);
    };
    std::string retry_after;
    for (int failures = 0; reached_ < blob_.size;) {
      auto before = reached_;
      begun_ = false;
      if (reached_ > 0) call.headers = {{"Range", fmt::format("bytes={}-", reached_)}};
      auto outcome = server.try_send(call);
      retry_after.clear();
      auto error = error_of(outcome, retry_after);
      if (!error) return {};
      if (reached_ > before) failures = 0;
      bool passing = error->code() == ErrorCode::Unavailable && !refused_by_sink_;
      if (!passing || ++failures == detail::kMostTries) return *std::move(error);
      TRY(server.pause(failures, retry_after));
    }
    return {};
  }

 private:
  std::optional<Error> error_of(Result<Server::Outcome>& outcome, std::string& retry_after) const {
    if (!outcome) return std::move(outcome).error();
    const auto& answer = outcome->answer;
    if (answer.code >= 300) {
      retry_after = answer.header("retry-after");
      return detail::refused(answer, outcome->body);
    }
    if (reached_ == blob_.size) return std::nullopt;
    return Error(ErrorCode::Unavailable, "unexpected EOF");
  }

  Result<void> take(const http::Answer& answer, std::string_view bytes) {
    if (!begun_) {
      begun_ = true;
      at_ = 0;
      if (answer.code == 206) {
        at_ = detail::range_start(answer.header("content-range")).value_or(-1);
        if (at_ < 0 || at_ > reached_)
          return Error(ErrorCode::Corrupt,
                       fmt::format("blob {}: another range than asked for", blob_.digest.str()));
      }
    }
    if (at_ + static_cast<std::int64_t>(bytes.size()) > blob_.size)
      return Error(ErrorCode::Corrupt,
                   fmt::format("blob {} is larger than the {} bytes of its manifest",
                               blob_.digest.str(), blob_.size));
    auto known = std::min(reached_ - at_, static_cast<std::int64_t>(bytes.size()));
    at_ += static_cast<std::int64_t>(bytes.size());
    bytes.remove_prefix(static_cast<std::size_t>(std::max<std::int64_t>(known, 0)));
    if (bytes.empty()) return {};
    auto taken = sink_(reached_, bytes);
    refused_by_sink_ = !taken;
    reached_ = at_;
    return taken;
  }

  const Descriptor& blob_;
  const Repository::BlobSink& sink_;
  std::int64_t reached_;  // all before it has been given away
  std::int64_t at_ = 0;   // of the answer at hand
  bool begun_ = false;
  bool refused_by_sink_ = false;
};

}  // namespace

struct Repository::State {
  Settings settings;
  Reference name;
  Access access = Access::Pull;
  std::stop_source own_stop;
  std::stop_token stop = own_stop.get_token();
  std::optional<std::stop_callback<std::function<void()>>> follow;  // whoever may stop us
  std::mutex mutex;  // guards what follows until `chosen` is set
  std::vector<std::unique_ptr<Server>> servers;
  Server* chosen = nullptr;

  Scopes scopes() const { return scopes_of(name.path, access); }

  Result<void> open() {
    if (!servers.empty()) return {};
    if (name.domain.empty())
      return Error(ErrorCode::InvalidArgument, "invalid reference format: no registry in the name");
    auto credentials = TRY(find_credentials(settings, name.domain, name.path));
    for (auto& endpoint : TRY(endpoints_of(settings, name.domain))) {
      if (access == Access::Push && !endpoint.can_push) continue;
      // What is known for a registry is not shown to its mirrors.
      auto url = TRY(http::parse_url(endpoint.url));
      bool is_other = endpoint.is_mirror && url.host != name.domain;
      auto known = is_other ? std::nullopt : credentials;
      servers.push_back(std::make_unique<Server>(std::move(endpoint), std::move(known), stop));
    }
    if (servers.empty())
      return Error(ErrorCode::Unsupported,
                   fmt::format("no host of {} takes pushes (hosts.toml)", name.domain));
    return {};
  }

  /// The first server for which `use` works: it stays. One that answers decides, unless it is a
  /// mirror.
  template <class Use>
  auto with_server(Use use) -> decltype(use(*chosen)) {
    {
      std::lock_guard lock(mutex);
      TRY(open());
      for (std::size_t i = 0; chosen == nullptr; i++) {
        auto& server = *servers[i];
        bool is_last = i + 1 == servers.size();
        auto heard = server.ping();
        if (!heard && (is_last || heard.error().code() == ErrorCode::Cancelled))
          return std::move(heard).error();
        if (!heard) continue;
        auto result = use(server);
        if (!result && server.endpoint().is_mirror && !is_last &&
            result.error().code() != ErrorCode::Cancelled)
          continue;
        if (result) chosen = &server;
        return result;
      }
    }
    return use(*chosen);
  }

  /// The server that is in use; the first that can be heard, if none is yet.
  Result<Server*> server() {
    return with_server([](Server& s) -> Result<Server*> { return &s; });
  }

  Call call(const Server& server, const char* method, const std::string& rest) const {
    Call call;
    call.method = method;
    call.url = '/' + name.path + rest;
    if (const auto& space = server.endpoint().name_space; !space.empty())
      call.url += (rest.find('?') == std::string::npos ? "?ns=" : "&ns=") + space;
    call.scopes = scopes();
    return call;
  }

  /// docker's words for what a registry says of a manifest.
  Error unknown(const Reference& reference, const Server::Outcome& outcome) const {
    auto refusal = detail::read_refusal(outcome.answer, outcome.body);
    const auto& code = refusal.code;
    if (code == "MANIFEST_UNKNOWN" || (code.empty() && outcome.answer.code == 404))
      return Error(ErrorCode::NotFound, fmt::format("manifest for {} not found: {}",
                                                    reference.familiar(), refusal.message));
    if (code == "NAME_UNKNOWN")
      return Error(ErrorCode::NotFound, fmt::format("repository {} not found: {}",
                                                    reference.familiar_name(), refusal.message));
    if (code == "DENIED")
      return Error(
          ErrorCode::NotFound,
          fmt::format("pull access denied for {}, repository does not exist or may require "
                      "'docker login': {}",
                      reference.familiar_name(), refusal.message));
    return detail::refused(outcome.answer, outcome.body);
  }

  Result<Document> manifest(Server& server, const Reference& reference) {
    auto what = reference.digest ? reference.digest->str() : reference.tag;
    auto get = call(server, "GET", "/manifests/" + what);
    for (auto type : {kDockerManifest, kDockerIndex, kOciManifest, kOciIndex})
      get.headers.emplace_back("Accept", type);
    Document document;
    get.sink = into(document.bytes, kMaxDocument, "manifest " + what);
    auto outcome = TRY(server.try_send(std::move(get)));
    if (outcome.answer.code >= 300) return unknown(reference, outcome);
    document.media_type = outcome.answer.header("content-type");
    document.digest = sha256(document.bytes);
    if (reference.digest && document.digest != *reference.digest)
      return Error(ErrorCode::Corrupt,
                   fmt::format("manifest verification failed for digest {}", what));
    return document;
  }

  Result<std::vector<std::string>> tags(Server& server) {
    std::vector<std::string> all;
    auto url = call(server, "GET", "/tags/list").url;
    for (int pages = 0; pages < kMostPages; pages++) {
      Call get;
      get.url = url;
      get.scopes = scopes();
      std::string text;
      get.sink = into(text, kMaxDocument, "the list of tags");
      auto outcome = TRY(server.try_send(std::move(get)));
      if (outcome.answer.code >= 300) return unknown(name, outcome);
      auto json = TRY(Json::parse(text).context("the list of tags"));
      for (auto& tag : json["tags"].as_strings())
        if (is_valid_tag(tag)) all.push_back(std::move(tag));
      if (all.size() > kMostTags) return Error(ErrorCode::Corrupt, "too many tags");
      auto next = detail::next_page(outcome.answer.header("link"));
      if (next.empty()) return all;
      url = http::resolve_url(server.endpoint().url + "/", next);
    }
    return Error(ErrorCode::Corrupt, "the list of tags does not end");
  }

  /// Begins an upload: the URL that takes it; "" if the blob was mounted.
  Result<std::string> begin_upload(Server& server, const std::string& query,
                                   const std::string& from) {
    auto post = call(server, "POST", "/blobs/uploads/" + query);
    if (!from.empty()) post.scopes.merge(scopes_of(from, Access::Pull));
    auto answer = TRY(server.send(std::move(post)));
    if (answer.code == 201) return std::string();
    const auto& location = answer.header("location");
    if (location.empty())
      return Error(ErrorCode::Corrupt, "the registry does not say where an upload goes");
    return http::resolve_url(server.endpoint().url + "/", location);
  }

  Call upload_call(const char* method, std::string url, ByteSource* body,
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

  static std::string with_digest(const std::string& url, const Digest& digest) {
    return fmt::format("{}{}digest={}", url, url.find('?') == std::string::npos ? '?' : '&',
                       detail::percent_encode(digest.str()));
  }

  /// Calls `once` until it works or there is no hope.
  Result<void> repeat(Server& server, const std::function<Result<void>()>& once) {
    for (int tries = 1;; tries++) {
      auto done = once();
      if (done || tries == kMostUploads || done.error().code() != ErrorCode::Unavailable)
        return done;
      TRY(server.pause(tries, ""));
    }
  }
};

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
  return state_->with_server([&](Server& s) { return state_->tags(s); });
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
  return BlobTransfer(blob, from, sink)
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
  return state_->repeat(*server, [&]() -> Result<void> {
    auto location = TRY(state_->begin_upload(*server, "", ""));
    StringSource source(bytes);
    auto put = state_->upload_call("PUT", State::with_digest(location, digest), &source,
                                   static_cast<std::int64_t>(bytes.size()));
    TRY(server->send(std::move(put)));
    return {};
  });
}

Result<void> Repository::upload(const std::function<Result<std::unique_ptr<ByteSource>>()>& open,
                                const std::function<Digest()>& digest) {
  auto* server = TRY(state_->server());
  return state_->repeat(*server, [&]() -> Result<void> {
    auto location = TRY(state_->begin_upload(*server, "", ""));
    auto source = TRY(open());
    auto sent =
        TRY(server->send(state_->upload_call("PATCH", location, source.get(), std::nullopt)));
    if (const auto& next = sent.header("location"); !next.empty())
      location = http::resolve_url(location, next);
    auto put = state_->upload_call("PUT", State::with_digest(location, digest()), nullptr, {});
    put.repeats = false;
    TRY(server->send(std::move(put)));
    return {};
  });
}

Result<void> Repository::put_manifest(const std::string& tag, const Document& document) {
  auto* server = TRY(state_->server());
  auto what = tag.empty() ? document.digest.str() : tag;
  return state_->repeat(*server, [&]() -> Result<void> {
    StringSource source(document.bytes);
    auto put = state_->call(*server, "PUT", "/manifests/" + what);
    put.headers.emplace_back("Content-Type", document.media_type);
    put.body = &source;
    put.body_size = static_cast<std::int64_t>(document.bytes.size());
    TRY(server->send(std::move(put)));
    return {};
  });
}

Result<Credentials> log_in(const Settings& settings, const std::string& domain,
                           const Credentials& credentials, std::stop_token stop) {
  auto endpoints = TRY(endpoints_of(settings, domain));
  std::optional<Error> last;
  for (auto& endpoint : endpoints) {
    if (endpoint.is_mirror) continue;
    Server server(std::move(endpoint), credentials, stop);
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

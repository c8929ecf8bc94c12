#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "registry/client.h"
#include "registry/detail/answer.h"
#include "registry/detail/server.h"

namespace strata::registry {

/// What the parts of Repository share: which servers there are, and how a call to them begins.
struct Repository::State {
  Settings settings;
  Reference name;
  Access access = Access::Pull;
  std::stop_source own_stop;
  std::stop_token stop = own_stop.get_token();
  std::optional<std::stop_callback<std::function<void()>>> follow;  // whoever may stop us
  std::mutex mutex;  // guards what follows until `chosen` is set
  std::vector<std::unique_ptr<detail::Server>> servers;
  detail::Server* chosen = nullptr;

  detail::Scopes scopes() const;
  /// Finds the servers, once.
  Result<void> open();

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
  Result<detail::Server*> server() {
    return with_server([](detail::Server& s) -> Result<detail::Server*> { return &s; });
  }

  /// One for what stands behind "/v2/NAME" in a URL.
  detail::Call call(const detail::Server& server, const char* method,
                    const std::string& rest) const;

  /// docker's words for what a registry says of a manifest.
  Error unknown(const Reference& reference, const detail::Server::Outcome& outcome) const;

  Result<Document> manifest(detail::Server& server, const Reference& reference);

  /// Begins an upload: the URL that takes it; "" if the blob was mounted from `from`.
  Result<std::string> begin_upload(detail::Server& server, const std::string& query,
                                   const std::string& from);
  detail::Call upload_call(const char* method, std::string url, ByteSource* body,
                           std::optional<std::int64_t> size) const;

  /// Goes through the pages of a list. `take` gets each of them; NotFound and the like as for a
  /// manifest of the name.
  Result<void> pages(detail::Server& server, const std::string& rest, const std::string& what,
                     const std::function<Result<void>(const Json&, const http::Answer&)>& take);
};

namespace detail {

Scopes scopes_of(const std::string& path, Access access);

/// Collects a body of at most `limit` bytes.
http::Session::Body into(std::string& text, std::int64_t limit, std::string what);

}  // namespace detail
}  // namespace strata::registry

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"
#include "engine/events.h"

namespace strata {

/// How this command talks to registries.
struct RegistryAccess {
  std::string config_dir;          // of docker's client (--config); empty: the default
  std::optional<bool> tls_verify;  // unset: as certs.d and daemon.json say
  /// Hears what registries tell their users, each time. Any thread; may be empty.
  std::function<void(const std::string& host, const std::string& text)> warn = {};
};

/// What a pull or push tells while it works; status in docker's words.
struct TransferEvent {
  std::string id;  // of a layer, or a tag; "" for a line of its own
  std::string status;
  std::int64_t current = 0;  // bytes
  std::int64_t total = 0;    // bytes; 0: no progress but a state
};
using TransferEvents = std::function<void(const TransferEvent&)>;  // one call at a time

/// `pull`: what.
struct PullRequest {
  std::string reference;  // without a tag: latest, or all tags
  bool all_tags = false;
  std::string platform;             // empty: the host's
  std::int64_t max_layer_size = 0;  // bytes of a layer's tar, unpacked; 0: any
  RegistryAccess access;
};

/// Pulls, tells how that goes and what has come of it ("Status: Image is up to date for x"), and
/// gives the reference written out in full. All errors are the daemon's in docker, but for those of
/// check_pull().
Result<std::string> pull_images(const EngineOptions& engine, const PullRequest& request,
                                const TransferEvents& events);

/// What docker's client says of a request: `invalid reference format`, `tag can't be used with
/// --all-tags/-a`. Gives the tag that is taken because there is none, or "".
Result<std::string> check_pull(const PullRequest& request);

/// In what form an image is pushed.
struct PushForm {
  std::optional<bool> oci;  // an OCI manifest or Docker's; unset: as it was pulled, else Docker's
  /// "gzip", "zstd" (OCI alone) or "uncompressed": how layers are packed that no registry is known
  /// to have; "": gzip.
  std::string compression;
  bool force_compression = false;  // and those that one has in another form
};
/// InvalidArgument for a form that there is not; zstd makes it OCI.
Result<void> check_push_form(PushForm& form);

/// `push`: what.
struct PushRequest {
  std::string reference;  // without a tag: latest, or all tags
  bool all_tags = false;
  PushForm form;
  RegistryAccess access;
};
Result<std::string> push_images(const EngineOptions& engine, const PushRequest& request,
                                const TransferEvents& events);
Result<std::string> check_push(const PushRequest& request);

/// `login`: where, and as whom.
struct LoginRequest {
  std::string server;  // as typed; empty: docker.io
  std::string username;
  std::string password;
  RegistryAccess access;
};

/// Where a password was put.
struct LoginResult {
  std::string file;
  bool as_plain_text = false;
};

/// Asks the registry whether it takes them, and remembers them.
Result<LoginResult> log_in(const EngineOptions& engine, const LoginRequest& request);

/// "https://index.docker.io/v1/" for docker.io, else the host.
std::string login_key(const std::string& server);
/// The name that is remembered for a registry, or "".
Result<std::string> known_user(const std::string& server, const RegistryAccess& access);
/// Forgets what is known for a registry. False if nothing was.
Result<bool> log_out(const std::string& server, const RegistryAccess& access);

}  // namespace strata

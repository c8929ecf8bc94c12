#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "image/reference.h"
#include "registry/credentials.h"
#include "registry/manifest.h"
#include "registry/settings.h"

namespace strata::registry {

/// A manifest or index as the registry has it.
struct Document {
  std::string bytes;
  std::string media_type;
  Digest digest;  // sha256(bytes)
};

/// What refers to a manifest: a signature, a list of parts, an attestation.
struct Referrer {
  Descriptor manifest;
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
};

enum class Access : std::uint8_t { Pull, Push, Delete };

/// A repository at its registry, by the Distribution API (OCI distribution-spec 1.1, Docker
/// Registry HTTP API V2). Mirrors and plain http are tried in the order of endpoints_of(); the
/// server that gave the first manifest gives the rest. Tokens are fetched as they are needed, one
/// for each set of scopes, with the user's credentials; no other host than the one they are for
/// sees them. What may get better (no connection, 429, 5xx) is tried again, after Retry-After or
/// ever longer pauses.
///
/// Errors are docker's where it has some; Unauthorized, Forbidden, NotFound by what the registry
/// says. Cancelled soon after `stop` is requested. Any thread, several calls at once.
class Repository {
 public:
  Repository(const Settings& settings, const Reference& name, Access access, std::stop_token stop);
  Repository(Repository&&) noexcept;
  ~Repository();

  /// Ends all calls, also later ones, as `stop` does.
  void cancel();

  /// That of a tag or of a digest, which is verified. NotFound with docker's text if the registry
  /// does not know the manifest or the repository.
  Result<Document> manifest(const Reference& reference);
  Result<std::vector<std::string>> tags();

  /// A small blob in memory, at most kMaxDocument bytes, verified.
  Result<std::string> document(const Descriptor& blob);
  /// The bytes of a blob from `from` on, each piece with its offset. A transfer that breaks is
  /// taken up where it was. Corrupt if there are more than blob.size bytes. The digest is for the
  /// caller to check.
  using BlobSink = std::function<Result<void>(std::int64_t offset, std::string_view bytes)>;
  Result<void> blob(const Descriptor& blob, std::int64_t from, const BlobSink& sink);

  /// Its size, if the repository has it.
  Result<std::optional<std::int64_t>> blob_size(const Digest& digest);
  /// Asks the registry to take a blob over from another of its repositories (a path). False if it
  /// does not, for whatever reason.
  Result<bool> mount(const Digest& digest, const std::string& from);
  /// Uploads bytes that are at hand, in one request.
  Result<void> upload(const Digest& digest, std::string_view bytes);
  /// Uploads a stream in one pass. `open` begins it, again if the upload has to be begun again;
  /// `digest` is asked when it has been read to its end.
  Result<void> upload(const std::function<Result<std::unique_ptr<ByteSource>>()>& open,
                      const std::function<Digest()>& digest);
  /// Puts a manifest under a tag, or with an empty one under its digest.
  Result<void> put_manifest(const std::string& tag, const Document& document);

  /// What refers to a manifest, of one type or (empty) of all: by the referrers API (OCI
  /// distribution-spec 1.1), or where the registry has none by the tag "sha256-<hex>" that stands
  /// in for it.
  Result<std::vector<Referrer>> referrers(const Digest& subject, const std::string& artifact_type);
  /// Removes a tag; or, by digest, a manifest with all of its tags. Unsupported for a tag where the
  /// registry only removes manifests. Its blobs go when the registry collects them.
  Result<void> remove(const Reference& reference);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether a registry accepts the credentials (`docker login`): Unauthorized if not. Gives what is
/// to be kept: an identity token in place of the password, if the registry issues one.
Result<Credentials> log_in(const Settings& settings, const std::string& domain,
                           const Credentials& credentials, std::stop_token stop);

}  // namespace strata::registry

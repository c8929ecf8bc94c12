#include "image/go_quote.h"
#include "registry/client.h"
#include "registry/detail/repository_state.h"

namespace strata::registry {
namespace {

using detail::Server;

constexpr std::size_t kMostReferrers = 10'000;

/// Adds the entries of an index.
Result<void> add_referrers(const Json& index, const std::string& artifact_type,
                           std::vector<Referrer>& all) {
  for (const auto& entry : index["manifests"].as_array()) {
    Referrer referrer;
    auto digest = Digest::parse(entry["digest"].as_string());
    if (!digest)
      return Error(ErrorCode::Corrupt, fmt::format("the list of referrers: bad digest {}",
                                                   go_quote(entry["digest"].as_string())));
    referrer.manifest = {entry["mediaType"].as_string(), *digest, entry["size"].as_int()};
    referrer.artifact_type = entry["artifactType"].as_string();
    for (const auto& [key, value] : entry["annotations"].as_object())
      referrer.annotations.emplace(key, value.as_string());
    // A registry need not know of the filter.
    if (!artifact_type.empty() && referrer.artifact_type != artifact_type) continue;
    if (all.size() == kMostReferrers) return Error(ErrorCode::Corrupt, "too many referrers");
    all.push_back(std::move(referrer));
  }
  return {};
}

}  // namespace

Result<std::vector<Referrer>> Repository::referrers(const Digest& subject,
                                                    const std::string& artifact_type) {
  std::vector<Referrer> all;
  auto path = "/referrers/" + subject.str();
  if (!artifact_type.empty()) path += "?artifactType=" + detail::percent_encode(artifact_type);
  auto take = [&](const Json& page, const http::Answer&) {
    return add_referrers(page, artifact_type, all);
  };
  auto listed = state_->with_server([&](Server& s) {
    all.clear();
    return state_->pages(s, path, "the list of referrers", take);
  });
  if (listed) return all;
  if (listed.error().code() != ErrorCode::NotFound) return std::move(listed).error();
  auto tagged = state_->name;
  tagged.tag = "sha256-" + subject.hex();
  auto document = manifest(tagged);
  if (!document && document.error().code() == ErrorCode::NotFound) return all;
  auto bytes = TRY(std::move(document)).bytes;
  auto index = TRY(Json::parse(bytes).context("the list of referrers"));
  all.clear();
  TRY(add_referrers(index, artifact_type, all));
  return all;
}

Result<void> Repository::remove(const Reference& reference) {
  auto* server = TRY(state_->server());
  auto what = reference.digest ? reference.digest->str() : reference.tag;
  auto outcome = TRY(server->try_send(state_->call(*server, "DELETE", "/manifests/" + what)));
  const auto& answer = outcome.answer;
  if (answer.code < 300) return {};
  bool needs_digest = !reference.digest && (answer.code == 400 || answer.code == 405);
  if (needs_digest)
    return Error(ErrorCode::Unsupported, "the registry removes manifests, and no tags alone");
  return state_->unknown(reference, outcome);
}

}  // namespace strata::registry

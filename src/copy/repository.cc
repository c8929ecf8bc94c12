#include "copy/repository.h"

#include "base/producer_source.h"

namespace strata::copy {

Result<Document> RepositorySource::manifest(const Descriptor& descriptor) {
  auto reference = reference_.without_tag_and_digest();
  reference.digest = descriptor.digest;
  return repository_.manifest(reference);
}

Result<std::unique_ptr<ByteSource>> RepositorySource::open(const Descriptor& blob) {
  auto fetch = [this, blob](const ByteSink& sink) {
    return repository_.blob(blob, 0,
                            [&](std::int64_t, std::string_view bytes) { return sink(bytes); });
  };
  return std::unique_ptr<ByteSource>(std::make_unique<ProducerSource>(fetch));
}

Result<bool> RepositoryDestination::has(const Descriptor& blob) {
  return TRY(repository_.blob_size(blob.digest)).has_value();
}

Result<bool> RepositoryDestination::mount(const Descriptor& blob, const Reference& from) {
  if (from.domain != reference_.domain || from.path == reference_.path) return false;
  return repository_.mount(blob.digest, from.path);
}

Result<void> RepositoryDestination::put(const OpenBlob& open,
                                        const std::function<Descriptor()>& what) {
  return repository_.upload(open, [&] { return what().digest; });
}

Result<void> RepositoryDestination::put_manifest(const Document& document) {
  return repository_.put_manifest("", document);
}

Result<void> RepositoryDestination::finish(const Document& root) {
  if (reference_.digest && *reference_.digest != root.digest)
    return Error(ErrorCode::InvalidArgument, fmt::format("{} cannot name what has the digest {}",
                                                         reference_.familiar(), root.digest.str()));
  return repository_.put_manifest(reference_.digest ? "" : reference_.tag, root);
}

}  // namespace strata::copy

#pragma once

#include "copy/medium.h"
#include "registry/client.h"

namespace strata::copy {

/// An image of a registry, by tag or digest.
class RepositorySource final : public Source {
 public:
  RepositorySource(registry::Repository repository, Reference reference)
      : repository_(std::move(repository)), reference_(std::move(reference)) {}

  Result<Document> root() override { return repository_.manifest(reference_); }
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) override;
  std::optional<Reference> repository() const override { return reference_; }
  void cancel() override { repository_.cancel(); }

 private:
  registry::Repository repository_;
  const Reference reference_;
};

/// Into a repository of a registry: under a tag, or under its digest, which then must be that of
/// the reference.
class RepositoryDestination final : public Destination {
 public:
  RepositoryDestination(registry::Repository repository, Reference reference)
      : repository_(std::move(repository)), reference_(std::move(reference)) {}

  Result<bool> has(const Descriptor& blob) override;
  Result<bool> mount(const Descriptor& blob, const Reference& from) override;
  Result<void> put(const OpenBlob& open, const std::function<Descriptor()>& what) override;
  Result<void> put_manifest(const Document& document) override;
  Result<void> finish(const Document& root) override;
  std::size_t at_once() const override { return 8; }
  void cancel() override { repository_.cancel(); }

 private:
  registry::Repository repository_;
  const Reference reference_;
};

}  // namespace strata::copy

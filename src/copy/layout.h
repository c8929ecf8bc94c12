#pragma once

#include <memory>
#include <string>

#include "archive/members.h"
#include "base/fd.h"
#include "copy/medium.h"

namespace strata::copy {

/// An image of an OCI layout (image-spec, image-layout.md), in a directory or a tar.
class LayoutSource final : public Source {
 public:
  /// By the name that index.json gives it (org.opencontainers.image.ref.name), or by its digest;
  /// with neither the only one.
  LayoutSource(std::unique_ptr<archive::Members> members, std::string name)
      : members_(std::move(members)), name_(std::move(name)) {}

  Result<Document> root() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) override;

 private:
  const std::unique_ptr<archive::Members> members_;
  const std::string name_;
};

/// Into the directory of an OCI layout, beside what is there. An image with the same name loses it.
/// Any number of processes.
class LayoutDestination final : public Destination {
 public:
  /// `dir` is empty or a layout; `name` may be empty.
  LayoutDestination(UniqueFd dir, std::string name)
      : dir_(std::move(dir)), name_(std::move(name)) {}

  Result<bool> has(const Descriptor& blob) override;
  Result<void> put(const OpenBlob& open, const std::function<Descriptor()>& what) override;
  Result<void> put_manifest(const Document& document) override;
  Result<void> finish(const Document& root) override;
  std::size_t at_once() const override { return 8; }

 private:
  const UniqueFd dir_;
  const std::string name_;
};

/// index.json with one more image; `index` is what is there, or empty.
Result<std::string> add_to_index(std::string_view index, const Document& root,
                                 const std::string& name);

inline constexpr const char* kLayoutVersion = R"({"imageLayoutVersion":"1.0.0"})";

/// "blobs/sha256/<hex>"
std::string blob_path(const Digest& digest);

}  // namespace strata::copy

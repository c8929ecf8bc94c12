#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/contents.h"
#include "archive/members.h"
#include "copy/medium.h"
#include "image/reference.h"

namespace strata::copy {

/// Into a new tar of an OCI layout.
Result<std::unique_ptr<Destination>> open_layout_archive(const std::string& path,
                                                         const std::string& name);

/// Into a new archive as `docker save` made them before docker 25: its layers are plain tars. It is
/// named only if `name` says so.
Result<std::unique_ptr<Destination>> open_docker_archive(const std::string& path,
                                                         const std::optional<Reference>& name);

/// An image of an archive that `docker save` or its like has made.
class DockerArchiveSource final : public Source {
 public:
  /// `image` is what archive::read_contents() says of one.
  DockerArchiveSource(std::unique_ptr<archive::Members> members, archive::ArchivedImage image)
      : members_(std::move(members)), image_(std::move(image)) {}

  Result<Document> root() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) override;
  bool is_made_up() const override { return true; }

 private:
  const std::unique_ptr<archive::Members> members_;
  const archive::ArchivedImage image_;
};

/// The image that `name` means: a reference, "@0" for the first one, or "" for the only one.
Result<archive::ArchivedImage> pick_image(std::vector<archive::ArchivedImage> images,
                                          const std::string& name);

/// The manifest that stands for an image whose layers are plain tars of these DiffIDs.
Document made_up_manifest(const std::string& config, const std::vector<DiffID>& layers);

}  // namespace strata::copy

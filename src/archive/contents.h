#pragma once

#include <optional>
#include <string>
#include <vector>

#include "archive/members.h"
#include "image/config.h"
#include "image/platform.h"
#include "image/reference.h"

namespace strata::archive {

/// A layer as an archive holds it; its tar may be compressed.
struct ArchivedLayer {
  std::string member;
  std::optional<Digest> blob;  // of the member's bytes, where the archive names it
};

/// An image as an archive describes it. All documents are read and agree with each other and with
/// their digests; the layers are still unread.
struct ArchivedImage {
  ImageID id;
  std::string config;  // sha256(config) == id
  ImageConfig parsed;
  std::vector<ArchivedLayer> layers;  // as many as parsed.diff_ids, at most LayerDB's depth
  std::vector<Reference> names;       // each with a tag
  std::optional<ImageID> parent;      // a valid one that the archive has too
};

/// The images of an archive, in its order. The form is found by what is there: docker's
/// `manifest.json` (docker save; image-spec v1.2 and the blobs of docker 25 alike), an OCI layout
/// (`index.json`, image-spec image-layout.md), or the directories of docker before 1.10. Of an
/// index of several platforms the image for `platform` is taken. The texts may come from anyone;
/// errors begin with the member that is wrong.
Result<std::vector<ArchivedImage>> read_contents(const Members& members, const Platform& platform);

/// One image of an OCI layout, without names: that of the manifest or index `digest`, or else of
/// the entry of index.json with `tag`. Without either the entry "latest", or the only one. NotFound
/// `index.json: it has no image "tag"`.
Result<ArchivedImage> read_layout_image(const Members& members, const Platform& platform,
                                        const std::string& tag,
                                        const std::optional<Digest>& digest);

}  // namespace strata::archive

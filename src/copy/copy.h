#pragma once

#include <optional>
#include <stop_token>

#include "copy/medium.h"
#include "image/platform.h"
#include "transfer/events.h"

namespace strata::copy {

enum class Format : std::uint8_t { Docker, Oci };

struct CopyOptions {
  bool all = false;               // an index with all that it names; else the image for `platform`
  Platform platform;              // of an index
  std::optional<Format> format;   // unset: as it is
  bool preserve_digests = false;  // rather fail than change a manifest
  std::stop_token stop;           // Cancelled when asked for
  transfer::Events events;
};

/// Carries an image from one place to another and gives its manifest or index, as the destination
/// has it. Several blobs at once, none of them kept on the way; each is compared with its digest
/// and its size while it passes, and one that is wrong is never complete at the destination. What
/// the destination has is not sent, what it can take over from another repository is mounted.
/// Manifests keep every byte, and so their digests, except where the destination has another form
/// or `format` asks for one.
Result<Document> copy_image(Source& source, Destination& destination, const CopyOptions& options);

/// The image for a platform in what `root` is: itself, or found in an index. NotFound in docker's
/// words if there is none.
Result<Document> choose_image(Source& source, Document root, const Platform& platform);

}  // namespace strata::copy

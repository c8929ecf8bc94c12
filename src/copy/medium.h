#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/byte_stream.h"
#include "image/reference.h"
#include "registry/client.h"
#include "registry/manifest.h"

namespace strata::copy {

using registry::Descriptor;
using registry::Document;

/// Where an image comes from: a repository, a layout, an archive. What it gives is not to be
/// trusted: whoever takes it compares it with its digest. Several threads at once.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// The manifest or index that was named.
  virtual Result<Document> root() = 0;
  /// One that an index names.
  virtual Result<Document> manifest(const Descriptor& descriptor) = 0;
  /// The bytes of a config or a layer, from the start.
  virtual Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) = 0;
  /// The repository that has the blobs, if one does.
  virtual std::optional<Reference> repository() const { return std::nullopt; }
  /// The manifest is made for the occasion: its layers are plain tars, each with its DiffID as
  /// digest and a size that says nothing.
  virtual bool is_made_up() const { return false; }
  /// Ends whatever waits, soon.
  virtual void cancel() {}
};

/// Opens the bytes of a blob, from the start at every call. They end with an error if they are not
/// what they should be.
using OpenBlob = std::function<Result<std::unique_ptr<ByteSource>>()>;

/// Where an image goes to. Nothing is visible before finish(); what was put before an error may
/// stay, and is not sent again.
class Destination {
 public:
  Destination() = default;
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;
  virtual ~Destination() = default;

  virtual Result<bool> has(const Descriptor& blob) = 0;
  /// Takes a blob over from another repository, if it can.
  virtual Result<bool> mount(const Descriptor&, const Reference&) { return false; }
  /// Puts a blob. `what` is asked when it has been read to its end.
  virtual Result<void> put(const OpenBlob& open, const std::function<Descriptor()>& what) = 0;
  /// A manifest that an index will name.
  virtual Result<void> put_manifest(const Document& document) = 0;
  /// The last one, which gets the name.
  virtual Result<void> finish(const Document& root) = 0;

  /// It holds one image, whose layers are plain tars.
  virtual bool wants_plain_image() const { return false; }
  /// Blobs that it takes at once.
  virtual std::size_t at_once() const { return 1; }
  virtual void cancel() {}
};

}  // namespace strata::copy

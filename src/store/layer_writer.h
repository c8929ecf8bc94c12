#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "store/store.h"
#include "tar/header.h"

namespace strata {

/// What a new layer stands on while it is made. Its layers may still be unpublished: the next build
/// step runs while the digest of the one before is computed.
struct LayerBase {
  /// Names below overlay2/ ("l/<link>"), top first. Empty for a bottom layer.
  std::vector<std::string> lowers;
  /// The cache of the topmost of an image's layers; empty for what a build has just made.
  std::string top_cache;
  /// Keeps unpublished cache directories of `lowers` alive.
  std::vector<std::shared_ptr<CacheDir>> pending;
};

/// A finished but unpublished layer.
struct SealedLayer {
  DiffID diff_id;
  std::int64_t size = 0;  // bytes, for LayerDB's `size`
  bool empty = false;     // its tar has no entry: by docker's rule no layer at all
};

/// A layer that may have files which a new one needs, too.
struct DonorLayer {
  std::string cache_id;
  std::optional<ChainID> parent;
  UniqueFd diff;  // its directory
};

/// A layer being written: its cache directory, DiffID, size and tar-split grow together, in one
/// pass over the data. Hashing and tar-split run on a thread of their own, and so does the laying
/// down of the files, a few MiB behind: its error may come from any later call, up to settle() or
/// seal(), and begins with the name of its entry.
///   open -> seal() -> publish(), or dropped at any time, which removes everything it made.
/// Formats: docs/store.md, sections 2 to 4 and 7. One thread at a time.
class LayerWriter {
 public:
  /// A new cache directory on `base`. A file that one of the donors holds at the same path with
  /// equal content and metadata is hard-linked, not written.
  static Result<LayerWriter> create(const Store& store, const LayerBase& base,
                                    std::vector<DonorLayer> donors);

  /// Takes a finished upper directory as it is (RUN): only read, never copied. seal() walks
  /// it and makes the tar that dockerd 28 would make (section 7).
  static Result<LayerWriter> adopt(const Store& store, std::shared_ptr<CacheDir> upper);

  LayerWriter(LayerWriter&&) noexcept;
  LayerWriter& operator=(LayerWriter&&) noexcept;
  ~LayerWriter();

  /// More than a few files will come: what that needs is made ready now, not on the way. To be
  /// called at most once, before the first entry.
  void expect_much();

  /// There is a first donor, and it is the one that add_known() is about.
  void know_first_donor();

  /// The entry becomes a file of the cache directory and of the tar; its header is ours (7.2, 7.3).
  /// Names are relative and clean, a directory's without trailing slash; parents come before
  /// children, and the names of one directory in byte order: what a walk of `diff` would give.
  /// `content` is read once; it must hold entry.size bytes, Corrupt if it ends early or goes on.
  Result<void> add(const tar::Entry& entry, ByteSource* content = nullptr);

  /// As add() of a regular file without xattrs, of which the caller knows that it was laid down in
  /// the known layer if that has a file like it in its place. Then that one's bytes, which are read
  /// here and now, are what the tar gets; it is linked, and `content` is not read at all. `crc`, by
  /// which a damaged one is found, is the CRC-64 of the content (tar/crc64.h).
  Result<void> add_known(const tar::Entry& entry, std::uint64_t crc, ByteSource& content);

  /// Applies a layer tar from outside as it is (import, load, pull): every byte of it, also what
  /// follows its end, counts for the DiffID and goes into the tar-split. Entries may come in any
  /// order; whiteouts become devices, opaque marks xattrs. Hostile names, links and sizes stay
  /// inside `diff` or are refused with the entry's name (3.5, 4.4).
  Result<void> add_tar(ByteSource& tar);

  /// Copies all that lies below the directory fd `upper`, an upper directory that its container
  /// keeps (commit); the tar is the one that adopt() would make. Nothing else is to be added. What
  /// happens if the container writes meanwhile: detail/copy_upper.h.
  Result<void> add_upper(int upper);

  /// No more entries: the last ones go on their way, and the times of directories are set behind
  /// them.
  Result<void> begin_settling();
  /// The same, and waits until all of it is in `diff`.
  Result<void> settle();

  /// Directory `diff` of the layer, for looking only.
  int diff() const;
  /// Of the cache directory; if the layer turns out to exist already it has another one.
  const std::string& cache_id() const;
  /// The cache directory, settled, to stand the next layer on before this one is published.
  std::shared_ptr<CacheDir> cache() const;

  /// settle(), and waits for the hasher.
  Result<SealedLayer> seal();

  /// Makes it visible under its ChainID on `parent` (which must be published). If that layer exists
  /// already ours is dropped and the existing one returned. A chain longer than
  /// LayerDB::kMaxDepth is InvalidArgument "max depth exceeded".
  Result<LayerInfo> publish(const std::optional<ChainID>& parent);

 private:
  struct State;
  explicit LayerWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Layers that stand on `parent`: of earlier builds of the same step, earlier commits of the same
/// container. At most 8, most likely first.
Result<std::vector<DonorLayer>> find_siblings(const Store& store,
                                              const std::optional<ChainID>& parent);

/// Layers worth asking for equal files of one on `parent`: its siblings, and those below it. At
/// most 16, most likely first.
Result<std::vector<DonorLayer>> find_donors(const Store& store,
                                            const std::optional<ChainID>& parent);

/// What an image with these layers gives a container or the next layer to stand on.
Result<LayerBase> layer_base(const Store& store, const std::vector<DiffID>& diff_ids);

/// Mounts `base` read-only; the file system is reached through the descriptor alone and goes with
/// it.
Result<UniqueFd> mount_base(const Store& store, const LayerBase& base);

}  // namespace strata

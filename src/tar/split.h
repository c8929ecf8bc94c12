#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "base/fd.h"

namespace strata::tar {

// tar-split.json.gz: all of an archive but the contents of its files, from which together with the
// unpacked layer the archive can be rebuilt byte for byte. Format: docs/store.md, section 4;
// github.com/vbatts/tar-split, tar/storage.

/// Records an archive: for each member its raw() as a segment, then the member as a file; at the
/// end raw() and the rest of the stream as segments. Written as dockerd 28 does, without the empty
/// segment that 20.10 has at the end. One thread at a time.
///
/// dockerd refuses to store, and to rebuild, a layer with two files of the same cleaned name
/// ("duplicates of file paths not supported"). A caller whose names come from outside checks that.
class SplitWriter {
 public:
  /// The bytes of the file tar-split.json.gz go to `sink`.
  explicit SplitWriter(ByteSink sink);
  SplitWriter(SplitWriter&&) noexcept;
  SplitWriter& operator=(SplitWriter&&) noexcept;
  ~SplitWriter();

  /// Bytes that stand in the archive as they are. Nothing is written for no bytes.
  Result<void> segment(std::string_view bytes);
  /// A member whose content of `size` bytes is in the layer; `name` is raw, as in the archive.
  /// `crc` is the crc64() of the content. Members without content have size 0.
  Result<void> file(std::string_view name, std::int64_t size, std::uint64_t crc);
  /// Ends the file. Exactly once.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One line of tar-split.json.
struct SplitEntry {
  enum class Kind : std::uint8_t { File = 1, Segment = 2 };
  Kind kind = Kind::Segment;
  std::string name;       // of File: raw, as in the archive
  std::int64_t size = 0;  // of File
  std::uint64_t crc = 0;  // of File: crc64() of the content; 0 if size is 0
  std::string bytes;      // of Segment

  bool operator==(const SplitEntry&) const = default;
};

/// Reads a tar-split.json.gz that Strata or a dockerd wrote. Its bytes may come from anyone: a line
/// of more than 16 MiB is Corrupt, as is anything else that is no such file.
class SplitReader {
 public:
  /// Borrows `compressed`.
  explicit SplitReader(ByteSource& compressed);
  SplitReader(SplitReader&&) noexcept;
  SplitReader& operator=(SplitReader&&) noexcept;
  ~SplitReader();

  /// The next entry; nullopt at the end. Corrupt if positions are not 0, 1, 2, ...
  Result<std::optional<SplitEntry>> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Opens the file of the layer that a raw name stands for, from its start.
using OpenFile = std::function<Result<UniqueFd>(const std::string& raw_name)>;

/// Writes the archive to `sink`. Every file's content is checked: Corrupt, "file integrity checksum
/// failed for "NAME"", if it is not what the CRC says, after a part of the archive has gone out.
/// That the whole is the layer's DiffID is for the caller to check.
Result<void> assemble(SplitReader& split, const OpenFile& open_file, const ByteSink& sink);

/// Gives room for the next piece of an archive, at least a byte, until the piece has gone out.
using Room = std::function<std::span<char>()>;

/// The same, put together in memory of the caller: what goes to `sink` stands in the last `room`,
/// from its start. For a caller that keeps the bytes, without a copy.
Result<void> assemble(SplitReader& split, const OpenFile& open_file, const ByteSink& sink,
                      const Room& room);

}  // namespace strata::tar

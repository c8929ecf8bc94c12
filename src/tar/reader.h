#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "tar/header.h"

namespace strata::tar {

/// Reads an archive front to back: v7, ustar, PAX (x and g headers), GNU (long names, base-256
/// numbers). The bytes may come from anyone: checksums are verified, memory is bounded by a few
/// MiB. Every byte of the stream is handed out exactly once, so that tar-split can record it:
///
///   while next() gives an entry:  raw(), then the content by read()
///   at the end:                   raw(), then read_rest()
///
/// Rules where the formats leave room are those of Go's archive/tar, through which dockerd reads
/// (docs/store.md, 4.2 and 4.4). The archive ends at two zero blocks, at one before the end of the
/// stream, or at the end of the stream between two members. A member that is no regular file has no
/// data, whatever its header says. PAX records with an empty value are as if they were not there.
///
/// Errors: Corrupt with "unexpected EOF" for a stream that ends inside a member, and "invalid tar
/// header: ..." for damage; Unsupported, naming the member, for sparse files and type flags that
/// are no file type; or the error of the source. After one the Reader is of no more use.
class Reader final : public ByteSource {
 public:
  /// Borrows `source`, and reads ahead of the member that it shows.
  explicit Reader(ByteSource& source);

  /// The next member, nullopt at the end. Content of the previous one that was not read is skipped
  /// (and then stands nowhere). A GlobalPax member has the name of its header, size 0 and nothing
  /// else; its records are in raw(), and apply to no other member.
  Result<std::optional<Entry>> next();

  /// Content of the member that next() gave; 0 at its end.
  Result<std::size_t> read(std::span<char> buffer) override;

  /// The bytes between the end of the last content and here: padding, headers with their records,
  /// at the end the end marker. Valid until the next call of next(). At most 4 MiB.
  std::string_view raw() const { return raw_; }

  /// After the end: what the stream holds behind the end marker, in pieces of at most 1 MiB.
  Result<void> read_rest(const ByteSink& sink);

 private:
  struct Meta;

  Result<bool> fill();
  Result<std::size_t> take(std::size_t size);
  Result<void> take_all(std::size_t size);
  Result<std::string_view> take_meta(std::int64_t size);
  Result<bool> take_header();
  Result<void> skip_content();
  Result<std::optional<Entry>> next_member();
  Result<std::optional<Entry>> global(Entry entry);
  Result<std::optional<Entry>> described(Entry entry, char flag, const Meta& meta);

  ByteSource& source_;
  std::unique_ptr<char[]> buffer_;
  std::string_view ahead_;  // read from the source, not handed out yet; in buffer_
  std::string raw_;
  std::int64_t content_left_ = 0;
  std::size_t padding_ = 0;  // bytes between the current content and the next header
  bool done_ = false;
};

}  // namespace strata::tar

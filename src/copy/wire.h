#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "archive/load.h"
#include "archive/save.h"
#include "base/byte_stream.h"
#include "store/store.h"

namespace strata::copy {

/// `strata send`: images go from one store to another over a pair of pipes, as a rule ssh's. The
/// receiver leads: it asks for the layers that it lacks, one at a time, and believes nothing. A
/// config is an image because its sha256 is the ID, a layer is one because its tar has the DiffID
/// that the config says; all is compared before anything is published.
///
/// Each side sends frames: one byte that says what it is, four that say how long it is (big-endian,
/// at most kMaxFrame), and so many bytes of content.
///
///   receiver  H  "strata 1": it is there, and speaks version 1
///   sender    I  {"config":TEXT,"names":[NAME...]}: an image; once for each
///   sender    O  that was all
///   receiver  N  a DiffID: this layer is needed
///   sender    D  a piece of the layer's tar, compressed by gzip as a whole; E ends it
///   receiver  R  {"images":[ID...]}: all is there, and named
///   either    X  an error, one line; it is the last frame
inline constexpr std::size_t kMaxFrame = std::size_t{4} << 20;

/// A frame as it is read.
struct Frame {
  char kind = 0;
  std::string content;
};

/// One side of the line. The descriptors are borrowed. Cancelled soon after `stop` is requested,
/// also while the other side is silent.
class Wire {
 public:
  Wire(int in, int out, std::stop_token stop = {}) : in_(in), out_(out), stop_(std::move(stop)) {}

  Result<void> send(char kind, std::string_view content);
  /// Corrupt "unexpected EOF" if the other side has gone; the error of an X frame as it was said
  /// there; Corrupt for what is no frame.
  Result<Frame> receive();
  /// As receive(), and Corrupt for another kind.
  Result<std::string> expect(char kind);

 private:
  Result<bool> read_exactly(char* buffer, std::size_t size);

  int in_;
  int out_;
  std::stop_token stop_;
};

/// What a send tells: layers that went over, and their bytes (compressed).
struct Sent {
  std::vector<std::string> ids;
  std::size_t layers = 0;
  std::int64_t bytes = 0;
};

/// The sender's side: gives images of `store` to whoever is at the other end. `progress` hears of
/// each piece: the layer and its bytes so far.
Result<Sent> send_images(const Store& store, const std::vector<archive::SavedImage>& images,
                         Wire& wire, const std::stop_token& stop,
                         const std::function<void(DiffID, std::int64_t)>& progress);

/// The receiver's side. The sender has been told of any error when it returns.
Result<void> receive_images(const Store& store, Wire& wire, const archive::LoadOptions& options);

}  // namespace strata::copy

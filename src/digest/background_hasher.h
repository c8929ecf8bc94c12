#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "digest/digest.h"

namespace strata {

/// SHA-256 of a stream on a thread of its own, at most 1 MiB behind the caller. A stream that fits
/// into one block of 256 KiB needs no thread. One thread at a time.
class BackgroundHasher {
 public:
  BackgroundHasher();
  BackgroundHasher(const BackgroundHasher&) = delete;
  BackgroundHasher& operator=(const BackgroundHasher&) = delete;
  ~BackgroundHasher();

  /// Takes a copy.
  void update(std::string_view bytes);
  /// Spares it: room, at least a byte and at most 256 KiB, where the next bytes may be put. Lives
  /// until take().
  std::span<char> room();
  /// The first `n` bytes of room() are the next of the stream. The caller may look at them no more.
  void take(std::size_t n);
  /// Waits for the rest. The digest of all that was given; once only.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata

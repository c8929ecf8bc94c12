#pragma once

#include <cstddef>
#include <memory>

#include "digest/digest.h"

namespace strata {

/// SHA-256 of a stream. One thread at a time.
class Hasher {
 public:
  Hasher();
  /// Goes on from where the other one is.
  Hasher(const Hasher& other);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(const void* data, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  /// The digest of all that was given; starts over for the next stream.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata

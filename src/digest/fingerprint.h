#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace strata {

/// 16 bytes that stand for a content under a secret key; only ever compared.
using Fingerprint = std::array<std::uint8_t, 16>;

/// Fingerprints of streams by GHASH, the hash of AES-GCM: five times as fast as SHA-256. Who does
/// not know the key cannot make two contents with one fingerprint (but for 1 of 2^100 cases), so
/// they identify a content as safely as SHA-256 does, for the owner of the key alone. One thread at
/// a time.
class Fingerprinter {
 public:
  using Key = std::array<std::uint8_t, 16>;

  /// `key`: random bytes.
  explicit Fingerprinter(const Key& key);
  Fingerprinter(Fingerprinter&&) noexcept;
  Fingerprinter& operator=(Fingerprinter&&) noexcept;
  ~Fingerprinter();

  void update(std::string_view bytes);
  /// Of all that was given; starts over for the next stream.
  Fingerprint finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 64 bits by which one finds that stored bytes are not those that were written: those of a
/// fingerprint by a key that is no secret. For files of our own that short commands read: CRC-64
/// would load ISA-L.
std::uint64_t checksum(std::string_view bytes);

}  // namespace strata

#include "digest/checksum.h"

// As in hasher.cc, which a unity build puts behind this.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/modes.h>

#include <array>
#include <cstring>
#include <memory>

namespace strata {
namespace {

constexpr std::array<unsigned char, 16> kChecksumKey{'s', 't', 'r', 'a', 't', 'a'};

/// In place of a block cipher: GHASH takes its key from what this makes of zeros.
void give_key(const unsigned char* /*in*/, unsigned char* out, const void* /*key*/) {
  std::memcpy(out, kChecksumKey.data(), kChecksumKey.size());
}

struct FreeGcm {
  void operator()(GCM128_CONTEXT* c) const { CRYPTO_gcm128_release(c); }
};

}  // namespace

/// GHASH, the hash of AES-GCM, under a key that is no secret: libcrypto has it in assembly, and
/// nothing else of it comes in.
std::uint64_t checksum(std::string_view bytes) {
  std::unique_ptr<GCM128_CONTEXT, FreeGcm> gcm(CRYPTO_gcm128_new(nullptr, give_key));
  constexpr std::array<unsigned char, 12> kNone{};
  CRYPTO_gcm128_setiv(gcm.get(), kNone.data(), kNone.size());
  CRYPTO_gcm128_aad(gcm.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::uint64_t sum = 0;
  CRYPTO_gcm128_tag(gcm.get(), reinterpret_cast<unsigned char*>(&sum), sizeof sum);
  return sum;
}

}  // namespace strata

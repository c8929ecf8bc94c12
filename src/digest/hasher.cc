#include "digest/hasher.h"

// The functions of SHA-256 itself, not the EVP layer above them: that one brings every algorithm of
// libcrypto into the program, whose tables each start of `strata` would have to relocate, and looks
// its algorithm up by name for each stream. OpenSSL 3 calls them deprecated in favour of EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace strata {

struct Hasher::State {
  State() { SHA256_Init(&context); }
  SHA256_CTX context;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::Hasher(const Hasher& other) : state_(std::make_unique<State>(*other.state_)) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(const void* data, std::size_t size) {
  SHA256_Update(&state_->context, data, size);
}

Digest Hasher::finish() {
  std::array<std::uint8_t, Digest::kBytes> out{};
  SHA256_Final(out.data(), &state_->context);
  SHA256_Init(&state_->context);
  return Digest(out);
}

Digest sha256(std::string_view bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace strata

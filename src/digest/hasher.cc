#include "digest/hasher.h"

#include <openssl/evp.h>

namespace strata {

struct Hasher::State {
  State() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(const void* data, std::size_t size) {
  EVP_DigestUpdate(state_->context, data, size);
}

Digest Hasher::finish() {
  std::array<std::uint8_t, Digest::kBytes> out{};
  EVP_DigestFinal_ex(state_->context, out.data(), nullptr);
  EVP_DigestInit_ex(state_->context, nullptr, nullptr);  // same algorithm again
  return Digest(out);
}

}  // namespace strata

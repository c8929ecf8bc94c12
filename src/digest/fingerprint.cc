#include "digest/fingerprint.h"

// As in hasher.cc, which a unity build puts behind this.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/modes.h>

#include <cstring>

namespace strata {
namespace {

/// In place of a block cipher: GHASH takes its key from what this makes of zeros.
void give_key(const unsigned char* /*in*/, unsigned char* out, const void* key) {
  std::memcpy(out, key, std::tuple_size_v<Fingerprinter::Key>);
}

}  // namespace

struct Fingerprinter::State {
  struct FreeContext {
    void operator()(GCM128_CONTEXT* c) const { CRYPTO_gcm128_release(c); }
  };

  explicit State(const Key& k) : key(k), context(CRYPTO_gcm128_new(key.data(), give_key)) {
    begin();
  }
  void begin() {
    constexpr std::array<unsigned char, 12> kNone{};
    CRYPTO_gcm128_setiv(context.get(), kNone.data(), kNone.size());
  }

  Key key;
  std::unique_ptr<GCM128_CONTEXT, FreeContext> context;
};

Fingerprinter::Fingerprinter(const Key& key) : state_(std::make_unique<State>(key)) {}
Fingerprinter::Fingerprinter(Fingerprinter&&) noexcept = default;
Fingerprinter& Fingerprinter::operator=(Fingerprinter&&) noexcept = default;
Fingerprinter::~Fingerprinter() = default;

void Fingerprinter::update(std::string_view bytes) {
  CRYPTO_gcm128_aad(state_->context.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size());
}

Fingerprint Fingerprinter::finish() {
  Fingerprint print{};
  CRYPTO_gcm128_tag(state_->context.get(), print.data(), print.size());
  state_->begin();
  return print;
}

std::uint64_t checksum(std::string_view bytes) {
  constexpr Fingerprinter::Key kKey{'s', 't', 'r', 'a', 't', 'a'};
  Fingerprinter printer(kKey);
  printer.update(bytes);
  const auto print = printer.finish();
  std::uint64_t sum = 0;
  std::memcpy(&sum, print.data(), sizeof sum);
  return sum;
}

}  // namespace strata

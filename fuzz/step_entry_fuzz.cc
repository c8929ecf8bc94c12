// rooms: transfer
//
// Manifests that a shared build cache holds (docs/build-cache.md), which anyone who may push can
// have written. The first 64 bytes are the key of the step that is asked for, the rest is the
// manifest.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "transfer/step_entry.h"

namespace transfer = strata::transfer;

namespace {

constexpr std::size_t kKey = 64;

bool same(const transfer::StepEntry& a, const transfer::StepEntry& b) {
  return a.key == b.key && a.layer == b.layer && a.blob == b.blob;
}

/// What is taken is for that key, whole, and can be written and read again.
void read_step(std::string_view manifest, const std::string& key) {
  auto entry = transfer::parse_step(manifest, key);
  if (!entry) {
    if (entry.error().message().empty()) std::abort();
    return;
  }
  if (entry->key != key || entry->layer.has_value() != entry->blob.has_value()) std::abort();
  auto again = transfer::parse_step(transfer::encode_step(*entry).bytes, key);
  if (!again || !same(*again, *entry)) std::abort();
}

void read_inline(std::string_view manifest) {
  for (const auto& entry : transfer::parse_inline_steps(manifest))
    if (entry.key.size() != kKey || entry.layer.has_value() != entry.blob.has_value()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kKey) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_step(text.substr(kKey), std::string(text.substr(0, kKey)));
  read_inline(text.substr(kKey));
  return 0;
}

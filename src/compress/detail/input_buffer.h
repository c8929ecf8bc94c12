#pragma once

#include <memory>

#include "base/byte_stream.h"

namespace strata::detail {

/// What a decompressor has read of its source and not used yet.
class InputBuffer {
 public:
  /// Borrows `source`.
  explicit InputBuffer(ByteSource& source)
      : source_(source), bytes_(std::make_unique_for_overwrite<char[]>(kSize)) {}

  /// Makes rest() hold something; false at the end of the source.
  Result<bool> fill() {
    if (!rest_.empty()) return true;
    rest_ = {bytes_.get(), TRY(source_.read({bytes_.get(), kSize}))};
    return !rest_.empty();
  }
  std::string_view rest() const { return rest_; }
  void use(std::size_t size) { rest_.remove_prefix(size); }

 private:
  static constexpr std::size_t kSize = std::size_t{128} << 10;

  ByteSource& source_;
  std::unique_ptr<char[]> bytes_;
  std::string_view rest_;
};

}  // namespace strata::detail

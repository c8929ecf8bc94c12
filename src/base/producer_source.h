#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/byte_stream.h"
#include "base/queue.h"

namespace strata {

/// Lets what pushes bytes be read: `produce` runs on a thread of its own, a few pieces ahead. Its
/// error comes from read() in place of the end. Dropping the source ends it.
class ProducerSource final : public ByteSource {
 public:
  using Produce = std::function<Result<void>(const ByteSink&)>;

  explicit ProducerSource(Produce produce);
  ~ProducerSource() override;

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  static constexpr std::size_t kPieces = 16;

  BoundedQueue<std::string> queue_{kPieces};
  std::string piece_;
  std::size_t taken_ = 0;       // of piece_
  std::optional<Error> error_;  // read after the queue is drained and closed
  std::jthread thread_;         // last: it uses all of the above
};

}  // namespace strata

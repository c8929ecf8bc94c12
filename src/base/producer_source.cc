#include "base/producer_source.h"

#include <algorithm>
#include <cstring>

namespace strata {

ProducerSource::ProducerSource(Produce produce)
    : thread_([this, produce = std::move(produce)] {
        auto done = produce([this](std::string_view bytes) -> Result<void> {
          if (queue_.push(std::string(bytes))) return {};
          return Error(ErrorCode::Cancelled, "cancelled");
        });
        if (!done) error_ = std::move(done).error();
        queue_.close();
      }) {}

ProducerSource::~ProducerSource() { queue_.close(); }

Result<std::size_t> ProducerSource::read(std::span<char> buffer) {
  if (buffer.empty()) return std::size_t{0};
  while (taken_ == piece_.size()) {
    auto next = queue_.pop();
    if (!next) {
      if (thread_.joinable()) thread_.join();
      if (error_) return *std::exchange(error_, std::nullopt);
      return std::size_t{0};
    }
    piece_ = *std::move(next);
    taken_ = 0;
  }
  auto n = std::min(buffer.size(), piece_.size() - taken_);
  std::memcpy(buffer.data(), piece_.data() + taken_, n);
  taken_ += n;
  return n;
}

}  // namespace strata

#include "digest/background_hasher.h"

#include <algorithm>
#include <thread>

#include "base/queue.h"
#include "digest/hasher.h"

namespace strata {
namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10;  // bytes
constexpr std::size_t kBlocks = 4;

}  // namespace

struct BackgroundHasher::State {
  struct Block {
    std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kBlock);
    std::size_t used = 0;

    std::string_view view() const { return {bytes.get(), used}; }
  };

  ~State() { full.close(); }

  Block next_empty() {
    if (made < kBlocks) {
      made++;
      return {};
    }
    auto block = *empty.pop();
    block.used = 0;
    return block;
  }

  void hand_over() {
    if (!thread.joinable()) thread = std::jthread([this] { run(); });
    (void)full.push(std::move(filling));
    filling = next_empty();
  }

  void run() {
    while (auto block = full.pop()) {
      hasher.update(block->view());
      (void)empty.push(*std::move(block));
    }
  }

  Hasher hasher;  // the thread's, once there is one
  std::size_t made = 1;
  Block filling;
  BoundedQueue<Block> full{kBlocks};
  BoundedQueue<Block> empty{kBlocks};
  std::jthread thread;  // last: it uses all of the above
};

BackgroundHasher::BackgroundHasher() : state_(std::make_unique<State>()) {}
BackgroundHasher::~BackgroundHasher() = default;

void BackgroundHasher::update(std::string_view bytes) {
  while (!bytes.empty()) {
    auto room = this->room();
    auto n = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), n, room.data());
    take(n);
    bytes.remove_prefix(n);
  }
}

std::span<char> BackgroundHasher::room() {
  if (state_->filling.used == kBlock) state_->hand_over();
  auto& block = state_->filling;
  return {block.bytes.get() + block.used, kBlock - block.used};
}

void BackgroundHasher::take(std::size_t n) { state_->filling.used += n; }

Digest BackgroundHasher::finish() {
  state_->full.close();
  if (state_->thread.joinable()) state_->thread.join();
  state_->hasher.update(state_->filling.view());
  return state_->hasher.finish();
}

}  // namespace strata

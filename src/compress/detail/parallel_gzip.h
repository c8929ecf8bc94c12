#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/queue.h"
#include "compress/compressor.h"

namespace strata::detail {

/// Room for bytes that nobody fills with zeros before they are written.
struct Bytes {
  void make_room(std::size_t wanted);  // keeps what is there

  std::unique_ptr<std::uint8_t[]> data;
  std::size_t room = 0;
  std::size_t size = 0;
};

/// Compression::Gzip: the blocks are deflated by several threads and written in order.
class ParallelGzip final : public Compressor {
 public:
  ParallelGzip(ByteSink sink, unsigned threads);
  ~ParallelGzip() override;

  Result<void> write(std::string_view bytes) override;
  Result<void> finish() override;

 private:
  struct Block {
    std::string dictionary;  // what stands before it
    std::string input;
    Bytes output;
    bool done = false;    // guarded by mutex_; input and output are then the writer's
    bool failed = false;  // likewise
  };
  using BlockPtr = std::shared_ptr<Block>;

  void work();
  BlockPtr empty_block();
  Result<void> submit();
  Result<void> emit_first();

  ByteSink sink_;
  std::size_t most_;             // blocks in flight
  BlockPtr filling_;             // the next block, or none before its first byte
  std::string dictionary_;       // for it
  std::deque<BlockPtr> order_;   // submitted, not written yet
  std::vector<BlockPtr> spare_;  // written: their memory is used again
  bool begun_ = false;           // the header is written
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;  // modulo 2^32

  BoundedQueue<BlockPtr> queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace strata::detail

#include "compress/detail/parallel_gzip.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>

namespace strata::detail {
namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10;      // bytes of input
constexpr std::size_t kDictionary = std::size_t{32} << 10;  // what deflate can look back
constexpr std::size_t kSpare = 1024;                        // for what does not compress
constexpr std::string_view kHeader("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
constexpr std::string_view kLastBlock("\x03\x00", 2);  // an empty one, with fixed codes

std::uint8_t* bytes_of(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

/// Deflates one block after the other; the buffer is too large for a stack.
class Deflater {
 public:
  bool run(std::string& dictionary, std::string& input, Bytes& output) {
    isal_deflate_init(&stream_);
    stream_.level = 1;
    stream_.level_buf = level_buffer_.get();
    stream_.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream_.gzip_flag = IGZIP_DEFLATE;
    stream_.flush = SYNC_FLUSH;
    stream_.end_of_stream = 0;
    if (!dictionary.empty() &&
        isal_deflate_set_dict(&stream_, bytes_of(dictionary),
                              static_cast<std::uint32_t>(dictionary.size())) != COMP_OK)
      return false;
    stream_.next_in = bytes_of(input);
    stream_.avail_in = static_cast<std::uint32_t>(input.size());
    output.size = 0;
    output.make_room(input.size() + input.size() / 16 + kSpare);
    for (;;) {
      stream_.next_out = output.data.get() + output.size;
      stream_.avail_out = static_cast<std::uint32_t>(output.room - output.size);
      if (isal_deflate(&stream_) != COMP_OK) return false;
      output.size = output.room - stream_.avail_out;
      if (stream_.avail_out > 0) break;
      output.make_room(output.room * 2);
    }
    return stream_.avail_in == 0;
  }

 private:
  std::unique_ptr<std::uint8_t[]> level_buffer_ =
      std::make_unique_for_overwrite<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
  isal_zstream stream_;
};

std::array<char, 8> trailer(std::uint32_t crc, std::uint32_t size) {
  std::array<char, 8> bytes{};
  for (unsigned i = 0; i < 4; i++) {
    bytes[i] = static_cast<char>(crc >> (8 * i));
    bytes[4 + i] = static_cast<char>(size >> (8 * i));
  }
  return bytes;
}

}  // namespace

void Bytes::make_room(std::size_t wanted) {
  if (wanted <= room) return;
  auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
  std::copy_n(data.get(), size, larger.get());
  data = std::move(larger);
  room = wanted;
}

ParallelGzip::ParallelGzip(ByteSink sink, unsigned threads)
    : sink_(std::move(sink)), most_(std::size_t{threads} * 2), queue_(std::size_t{threads} * 2) {
  for (unsigned i = 0; i < threads; i++) threads_.emplace_back([this] { work(); });
}

ParallelGzip::~ParallelGzip() { queue_.close(); }

void ParallelGzip::work() {
  Deflater deflater;
  while (auto block = queue_.pop()) {
    auto& b = **block;
    bool good = deflater.run(b.dictionary, b.input, b.output);
    std::lock_guard lock(mutex_);
    b.failed = !good;
    b.done = true;
    changed_.notify_all();
  }
}

Result<void> ParallelGzip::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!filling_) filling_ = empty_block();
    auto& input = filling_->input;
    auto n = std::min(bytes.size(), kBlock - input.size());
    input += bytes.substr(0, n);
    bytes.remove_prefix(n);
    if (input.size() == kBlock) TRY(submit());
  }
  return {};
}

ParallelGzip::BlockPtr ParallelGzip::empty_block() {
  if (spare_.empty()) {
    auto block = std::make_shared<Block>();
    block->input.reserve(kBlock);
    return block;
  }
  auto block = std::move(spare_.back());
  spare_.pop_back();
  block->input.clear();
  block->done = false;
  return block;
}

Result<void> ParallelGzip::submit() {
  if (!begun_) TRY(sink_(kHeader));
  begun_ = true;
  if (!filling_) return {};
  auto block = std::move(filling_);
  crc_ = crc32_gzip_refl(crc_, bytes_of(block->input), block->input.size());
  size_ += static_cast<std::uint32_t>(block->input.size());
  block->dictionary.swap(dictionary_);
  dictionary_.assign(block->input,
                     block->input.size() - std::min(block->input.size(), kDictionary));
  if (order_.size() == most_) TRY(emit_first());
  order_.push_back(block);
  queue_.push(std::move(block));
  return {};
}

Result<void> ParallelGzip::emit_first() {
  auto block = std::move(order_.front());
  order_.pop_front();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return block->done; });
  }
  if (block->failed) return Error(ErrorCode::Internal, "gzip: deflate");
  TRY(sink_({reinterpret_cast<const char*>(block->output.data.get()), block->output.size}));
  spare_.push_back(std::move(block));
  return {};
}

Result<void> ParallelGzip::finish() {
  TRY(submit());
  while (!order_.empty()) TRY(emit_first());
  TRY(sink_(kLastBlock));
  auto end = trailer(crc_, size_);
  return sink_({end.data(), end.size()});
}

}  // namespace strata::detail

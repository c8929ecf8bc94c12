#include "store/detail/layer_recorder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/io.h"
#include "tar/crc64.h"

namespace strata::detail {

LayerRecorder::LayerRecorder(UniqueFd split)
    : split_file_(std::move(split)),
      split_([fd = split_file_.get()](std::string_view bytes) { return write_all(fd, bytes); }) {
  batch_.bytes.reset(new char[kBatchSize]);  // not zeroed: most layers touch little of it
}

LayerRecorder::~LayerRecorder() {
  full_.close();
  empty_.close();
  if (thread_.joinable()) thread_.join();
}

Result<void> LayerRecorder::segment(std::string_view bytes) {
  while (!bytes.empty()) {
    if (space() == 0) TRY(submit());
    auto piece = bytes.substr(0, space());
    std::memcpy(batch_.bytes.get() + batch_.used, piece.data(), piece.size());
    batch_.used += piece.size();
    batch_.steps.push_back({Op::Segment, static_cast<std::uint32_t>(piece.size()), 0});
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Result<void> LayerRecorder::file(std::string_view raw_name, std::int64_t size) {
  if (raw_name.size() > kBatchSize)
    return Error(ErrorCode::InvalidArgument, "name is longer than 1 MiB");
  if (raw_name.size() > space()) TRY(submit());
  std::memcpy(batch_.bytes.get() + batch_.used, raw_name.data(), raw_name.size());
  batch_.used += raw_name.size();
  batch_.steps.push_back({Op::File, static_cast<std::uint32_t>(raw_name.size()), size});
  return {};
}

Result<void> LayerRecorder::content(ByteSource& source, std::int64_t size, const ByteSink& also) {
  for (std::int64_t left = size; left > 0;) {
    auto buffer = TRY(room(left));
    auto n = TRY(source.read(buffer));
    if (n == 0)
      return Error(ErrorCode::Corrupt,
                   fmt::format("ends {} bytes before its size of {}", left, size));
    TRY(also(std::string_view(buffer.data(), n)));
    batch_.used += n;
    batch_.steps.push_back({Op::Content, static_cast<std::uint32_t>(n), 0});
    left -= static_cast<std::int64_t>(n);
  }
  char more = 0;
  if (TRY(source.read({&more, 1})) != 0)
    return Error(ErrorCode::Corrupt, fmt::format("goes on after its size of {} bytes", size));
  return {};
}

/// Where the next piece of content goes.
Result<std::span<char>> LayerRecorder::room(std::int64_t at_most) {
  constexpr std::int64_t kLeast = 4096;  // a shorter piece would not pay for its system calls
  if (static_cast<std::int64_t>(space()) < std::min(at_most, kLeast)) TRY(submit());
  auto size = std::min(static_cast<std::uint64_t>(at_most), std::uint64_t{space()});
  return std::span(batch_.bytes.get() + batch_.used, size);
}

/// Hands the batch over and takes an empty one; the first time starts the other side.
Result<void> LayerRecorder::submit() {
  if (!thread_.joinable()) {
    for (std::size_t i = 1; i < kBatches; i++)
      empty_.push(Batch{std::unique_ptr<char[]>(new char[kBatchSize]), 0, {}});
    thread_ = std::jthread([this] { run(); });
  }
  if (!full_.push(std::move(batch_))) return stop();
  auto next = empty_.pop();
  if (!next) return stop();
  batch_ = *std::move(next);
  return {};
}

/// Why the other side gave up.
Error LayerRecorder::stop() {
  if (thread_.joinable()) thread_.join();
  auto result = std::exchange(result_, Result<void>());
  if (!result) return std::move(result).error();
  return Error(ErrorCode::Internal, "the layer has failed before");
}

Result<Digest> LayerRecorder::finish() {
  if (thread_.joinable()) {
    // If the other side has stopped this is refused, and its result says why.
    (void)full_.push(std::move(batch_));
    full_.close();
    thread_.join();
  } else {
    result_ = digest(batch_);
  }
  TRY(std::exchange(result_, Result<void>()));
  TRY(end_segment());
  TRY(split_.finish());
  return hasher_.finish();
}

void LayerRecorder::run() {
  while (auto batch = full_.pop()) {
    result_ = digest(*batch);
    if (!result_) break;
    batch->used = 0;
    batch->steps.clear();
    if (!empty_.push(*std::move(batch))) break;
  }
  full_.close();
  empty_.close();
}

Result<void> LayerRecorder::digest(const Batch& batch) {
  std::string_view rest(batch.bytes.get(), batch.used);
  for (const auto& step : batch.steps) {
    TRY(digest_step(step, rest.substr(0, step.length)));
    rest.remove_prefix(step.length);
  }
  return {};
}

Result<void> LayerRecorder::digest_step(const Step& step, std::string_view bytes) {
  switch (step.op) {
    case Op::Segment:
      hasher_.update(bytes);
      if (segment_.size() + bytes.size() > kMaxSegment) TRY(end_segment());
      segment_.append(bytes);
      return {};
    case Op::Cut:
      return end_segment();
    case Op::File:
      TRY(end_segment());
      file_name_ = bytes;
      file_size_ = file_left_ = step.size;
      file_crc_ = 0;
      return file_size_ == 0 ? end_file() : Result<void>();
    case Op::Content:
      hasher_.update(bytes);
      file_crc_ = tar::crc64(bytes, file_crc_);
      file_left_ -= static_cast<std::int64_t>(bytes.size());
      return file_left_ == 0 ? end_file() : Result<void>();
  }
  return {};
}

Result<void> LayerRecorder::end_segment() {
  TRY(split_.segment(segment_));
  segment_.clear();
  return {};
}

Result<void> LayerRecorder::end_file() { return split_.file(file_name_, file_size_, file_crc_); }

}  // namespace strata::detail

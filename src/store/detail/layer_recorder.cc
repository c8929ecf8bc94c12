#include "store/detail/layer_recorder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/io.h"
#include "tar/crc64.h"
#include "tar/writer.h"

namespace strata::detail {

LayerRecorder::LayerRecorder(UniqueFd split)
    : split_file_(std::move(split)),
      split_([fd = split_file_.get()](std::string_view bytes) { return write_all(fd, bytes); }) {
  batch_ = add_batch();
}

LayerRecorder::~LayerRecorder() {
  gives_up_ = true;
  to_digest_.close();
  to_do_.close();
  empty_.close();
  if (digester_.joinable()) digester_.join();
  if (worker_.joinable()) worker_.join();
}

Result<void> LayerRecorder::segment(std::string_view bytes) {
  while (!bytes.empty()) {
    if (space() == 0) TRY(submit());
    auto piece = bytes.substr(0, space());
    std::memcpy(batch_->bytes.get() + batch_->used, piece.data(), piece.size());
    batch_->used += piece.size();
    batch_->steps.push_back({Op::Segment, static_cast<std::uint32_t>(piece.size()), 0});
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Result<void> LayerRecorder::file(std::string_view raw_name, std::int64_t size) {
  if (raw_name.size() > kBatchSize)
    return Error(ErrorCode::InvalidArgument, "name is longer than 256 KiB");
  if (raw_name.size() > space()) TRY(submit());
  std::memcpy(batch_->bytes.get() + batch_->used, raw_name.data(), raw_name.size());
  batch_->used += raw_name.size();
  batch_->steps.push_back({Op::File, static_cast<std::uint32_t>(raw_name.size()), size});
  return {};
}

Result<void> LayerRecorder::member(const tar::Entry& entry) {
  header_.clear();
  TRY(tar::append_header(header_, entry));
  TRY(segment(header_));
  return file(entry.name, entry.type == tar::EntryType::Regular ? entry.size : 0);
}

Result<void> LayerRecorder::content(ByteSource& source, std::int64_t size, const ByteSink& also) {
  for (std::int64_t left = size; left > 0;) {
    auto buffer = TRY(room(left));
    auto n = TRY(source.read(buffer));
    if (n == 0)
      return Error(ErrorCode::Corrupt,
                   fmt::format("ends {} bytes before its size of {}", left, size));
    batch_->used += n;
    batch_->steps.push_back({Op::Content, static_cast<std::uint32_t>(n), 0});
    if (also) TRY(show({buffer.data(), n}, also));
    left -= static_cast<std::int64_t>(n);
  }
  char more = 0;
  if (TRY(source.read({&more, 1})) != 0)
    return Error(ErrorCode::Corrupt, fmt::format("goes on after its size of {} bytes", size));
  return {};
}

Result<std::string_view> LayerRecorder::doubtful_content(ByteSource& source, std::int64_t size) {
  const bool is_one_piece = size <= static_cast<std::int64_t>(kBatchSize);
  if (is_one_piece && static_cast<std::size_t>(size) > space()) TRY(submit());
  batch_->steps.push_back({Op::Doubt, 0, 0});
  const char* begin = batch_->bytes.get() + batch_->used;
  TRY(content(source, size));
  return is_one_piece ? std::string_view(begin, static_cast<std::size_t>(size))
                      : std::string_view();
}

/// Where the next piece of content goes.
Result<std::span<char>> LayerRecorder::room(std::int64_t at_most) {
  constexpr std::int64_t kLeast = 4096;  // a shorter piece would not pay for its system calls
  if (static_cast<std::int64_t>(space()) < std::min(at_most, kLeast)) TRY(submit());
  auto size = std::min(static_cast<std::uint64_t>(at_most), std::uint64_t{space()});
  return std::span(batch_->bytes.get() + batch_->used, size);
}

Result<void> LayerRecorder::show(std::string_view bytes, const ByteSink& also) {
  if (!is_threaded()) return at_once(also(bytes));
  batch_->tasks.push_back({{}, also, bytes});
  return {};
}

Result<void> LayerRecorder::then(Task task) {
  if (!is_threaded()) return at_once(task());
  batch_->tasks.push_back({std::move(task), {}, {}});
  return {};
}

Result<void> LayerRecorder::at_once(Result<void> done) {
  if (!done) gives_up_ = true;
  return done;
}

void LayerRecorder::start() {
  digester_ = std::jthread([this] { run(); });
  worker_ = std::jthread([this] { work(); });
}

void LayerRecorder::expect_much() {
  start();
  constexpr std::size_t kPage = 4096;
  auto touch = [](const Batch& batch) {
    for (std::size_t at = 0; at < kBatchSize; at += kPage) batch.bytes[at] = 0;
  };
  touch(*batch_);
  while (batches_.size() < kBatches) {
    auto* batch = add_batch();
    touch(*batch);
    empty_.push(batch);
  }
}

/// Gives batch_ to both sides; it is for them alone then. False if one of them has failed.
bool LayerRecorder::hand_over() {
  auto* batch = std::exchange(batch_, nullptr);
  batch->users = 2;
  handed_over_++;
  return to_do_.push(batch) && to_digest_.push(batch) && !gives_up_;
}

/// Hands the batch over and takes an empty one; the first time starts the other sides.
Result<void> LayerRecorder::submit() {
  if (!is_threaded()) start();
  const bool goes_on = hand_over();
  batch_ = goes_on ? next_empty() : nullptr;
  if (batch_ != nullptr) return {};
  batch_ = add_batch();  // for what the caller adds all the same
  return stop();
}

/// There is a further one only when none has come back: memory that is not touched costs nothing.
/// Null if another side has failed.
LayerRecorder::Batch* LayerRecorder::next_empty() {
  auto batch = empty_.try_pop();
  if (!batch && batches_.size() < kBatches) return add_batch();
  if (!batch) batch = empty_.pop();
  return batch.value_or(nullptr);
}

LayerRecorder::Batch* LayerRecorder::add_batch() {
  return batches_.emplace_back(std::make_unique<Batch>()).get();
}

Result<void> LayerRecorder::push() {
  return is_threaded() && !batch_->tasks.empty() ? submit() : Result<void>();
}

Result<void> LayerRecorder::wait() {
  if (!is_threaded()) return {};
  TRY(push());
  for (auto done = done_.load(); done != handed_over_; done = done_.load()) done_.wait(done);
  if (gives_up_) return stop();
  return {};
}

/// Why another side gave up.
Error LayerRecorder::stop() {
  {
    std::lock_guard lock(failure_mutex_);
    if (failure_) return *std::exchange(failure_, std::nullopt);
  }
  to_digest_.close();
  if (digester_.joinable()) digester_.join();
  auto result = std::exchange(result_, Result<void>());
  if (!result) return std::move(result).error();
  return Error(ErrorCode::Internal, "the layer has failed before");
}

Result<Digest> LayerRecorder::finish() {
  if (is_threaded()) {
    (void)hand_over();  // if a side has failed, its result says why
    to_digest_.close();
    to_do_.close();
    worker_.join();
    digester_.join();
    if (gives_up_) return stop();
  } else {
    result_ = digest(*batch_);
  }
  TRY(std::exchange(result_, Result<void>()));
  TRY(end_segment());
  TRY(split_.finish());
  return hasher_.finish();
}

/// Whoever needs a batch last gives it back.
void LayerRecorder::release(Batch* batch) {
  if (--batch->users > 0) return;
  batch->used = 0;
  batch->steps.clear();
  batch->tasks.clear();
  empty_.push_front(batch);
}

void LayerRecorder::work() {
  while (auto batch = to_do_.pop()) {
    auto result = gives_up_ ? Result<void>() : do_tasks(**batch);
    if (!result) {
      std::lock_guard lock(failure_mutex_);
      failure_ = std::move(result).error();
      gives_up_ = true;
    }
    release(*batch);
    done_++;
    done_.notify_all();
  }
}

Result<void> LayerRecorder::do_tasks(const Batch& batch) {
  for (const auto& work : batch.tasks) TRY(work.task ? work.task() : work.sink(work.bytes));
  return {};
}

void LayerRecorder::run() {
  (void)tar::crc64({});  // loads ISA-L
  while (auto batch = to_digest_.pop()) {
    result_ = digest(**batch);
    if (!result_) break;
    release(*batch);
  }
  to_digest_.close();
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
      if (before_doubt_) return {};  // whoever doubts it counts
      file_crc_ = tar::crc64(bytes, file_crc_);
      file_left_ -= static_cast<std::int64_t>(bytes.size());
      return file_left_ == 0 ? end_file() : Result<void>();
    case Op::Doubt:
      before_doubt_.emplace(hasher_);
      return {};
    case Op::Keep:
      before_doubt_.reset();
      file_crc_ = static_cast<std::uint64_t>(step.size);
      return end_file();
    case Op::Drop:
      hasher_ = *std::exchange(before_doubt_, std::nullopt);
      return {};
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

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/byte_stream.h"
#include "base/fd.h"
#include "base/queue.h"
#include "digest/digest.h"
#include "digest/hasher.h"
#include "tar/header.h"
#include "tar/split.h"

namespace strata::detail {

/// Turns the bytes of a layer's tar into its DiffID and tar-split, and does with them what else is
/// asked for: laying down the files. The caller fills batches of 256 KiB and goes on; one thread
/// digests them, another one does the tasks, both at most six batches behind. A layer that fits
/// into one batch needs no thread, if nobody expects more: its tasks are done at once. The first
/// error of any side ends all.
class LayerRecorder {
 public:
  using Task = std::function<Result<void>()>;

  /// `split` is the new file tar-split.json.gz.
  explicit LayerRecorder(UniqueFd split);
  LayerRecorder(const LayerRecorder&) = delete;
  LayerRecorder& operator=(const LayerRecorder&) = delete;
  ~LayerRecorder();

  /// Much will come: the threads start now, and the memory of all batches is there before it is
  /// written to. To be called at most once, and first of all.
  void expect_much();

  /// Bytes of the tar that the tar-split holds: headers, padding.
  Result<void> segment(std::string_view bytes);
  /// The next segment() begins a new entry of the tar-split.
  void cut() { batch_->steps.push_back({Op::Cut, 0, 0}); }
  /// A member of the tar. With `size` > 0 its content() follows.
  Result<void> file(std::string_view raw_name, std::int64_t size);
  /// The same with its header, for who has it as an entry and not as bytes.
  Result<void> member(const tar::Entry& entry);
  /// Reads the content of the member from `source`. Corrupt if it holds less or more than `size`
  /// bytes. `also`, if it is there, is a task for each piece of at most 256 KiB.
  Result<void> content(ByteSource& source, std::int64_t size, const ByteSink& also = {});

  /// The same, not empty, if it may turn out not to be the content of the member: keep_content()
  /// with its CRC-64 follows, or drop_content() and then the right one. Gives it in one piece,
  /// which lives until the next task is done; nothing if it has more than 256 KiB.
  Result<std::string_view> doubtful_content(ByteSource& source, std::int64_t size);
  void keep_content(std::uint64_t crc) {
    batch_->steps.push_back({Op::Keep, 0, static_cast<std::int64_t>(crc)});
  }
  void drop_content() { batch_->steps.push_back({Op::Drop, 0, 0}); }

  /// Tasks are done one after the other, in the order of the calls.
  Result<void> then(Task task);
  /// What was given so far does not wait for more.
  Result<void> push();
  /// Until all tasks so far are done. The error of the first one that failed.
  Result<void> wait();
  /// Whether a task has failed. Its error comes, once, from whatever is called next.
  bool has_failed_task() const { return gives_up_; }

  /// Waits for the rest. The digest of the whole tar; nothing more may be added.
  Result<Digest> finish();

 private:
  static constexpr std::size_t kBatches = 6;
  static constexpr std::size_t kBatchSize = std::size_t{256} << 10;
  static constexpr std::size_t kMaxSegment = std::size_t{4} << 20;  // then it is cut

  enum class Op : std::uint8_t { Segment, Cut, File, Content, Doubt, Keep, Drop };

  /// What to do with the next `length` bytes of a batch.
  struct Step {
    Op op;
    std::uint32_t length;
    std::int64_t size;  // of a File; the CRC of a Keep
  };

  /// A task, or what to show to a sink.
  struct Work {
    Task task;
    ByteSink sink;
    std::string_view bytes;
  };

  struct Batch {
    std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kBatchSize);
    std::size_t used = 0;
    std::vector<Step> steps;
    std::vector<Work> tasks;
    std::atomic<int> users = 0;  // sides that are not done with it
  };

  // The caller's side.
  std::size_t space() const { return kBatchSize - batch_->used; }
  Result<std::span<char>> room(std::int64_t at_most);
  Result<void> show(std::string_view bytes, const ByteSink& also);
  bool is_threaded() const { return digester_.joinable(); }
  void start();
  bool hand_over();
  Result<void> submit();
  Batch* next_empty();
  Batch* add_batch();
  Error stop();
  Result<void> at_once(Result<void> done);
  void release(Batch* batch);

  // The digesting side.
  void run();
  Result<void> digest(const Batch& batch);
  Result<void> digest_step(const Step& step, std::string_view bytes);
  Result<void> end_segment();
  Result<void> end_file();

  // The side of the tasks.
  void work();
  static Result<void> do_tasks(const Batch& batch);

  std::vector<std::unique_ptr<Batch>> batches_;
  Batch* batch_ = nullptr;  // being filled
  std::string header_;      // of the last member()
  BoundedQueue<Batch*> to_digest_{kBatches};
  BoundedQueue<Batch*> to_do_{kBatches};
  BoundedQueue<Batch*> empty_{kBatches};
  std::jthread digester_;
  std::jthread worker_;
  std::uint32_t handed_over_ = 0;        // batches
  std::atomic<std::uint32_t> done_ = 0;  // of them by the worker
  std::atomic<bool> gives_up_ = false;   // the worker does no more tasks
  std::mutex failure_mutex_;             // guards failure_
  std::optional<Error> failure_;         // of a task

  // Owned by the digesting side while its thread runs.
  UniqueFd split_file_;
  tar::SplitWriter split_;
  Hasher hasher_;
  std::string segment_;    // since the last file
  std::string file_name_;  // of the member whose content is under way
  std::int64_t file_size_ = 0;
  std::int64_t file_left_ = 0;
  std::uint64_t file_crc_ = 0;
  std::optional<Hasher> before_doubt_;  // while its content is doubtful
  Result<void> result_;
};

}  // namespace strata::detail

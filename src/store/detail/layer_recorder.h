#pragma once

#include <cstdint>
#include <memory>
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
#include "tar/split.h"

namespace strata::detail {

/// Turns the bytes of a layer's tar into its DiffID and tar-split. The caller fills batches of 1
/// MiB and goes on; a thread of its own digests them, at most four batches behind. A layer that
/// fits into one batch needs no thread. The first error of either side ends both.
class LayerRecorder {
 public:
  /// `split` is the new file tar-split.json.gz.
  explicit LayerRecorder(UniqueFd split);
  LayerRecorder(const LayerRecorder&) = delete;
  LayerRecorder& operator=(const LayerRecorder&) = delete;
  ~LayerRecorder();

  /// Bytes of the tar that the tar-split holds: headers, padding.
  Result<void> segment(std::string_view bytes);
  /// The next segment() begins a new entry of the tar-split.
  void cut() { batch_.steps.push_back({Op::Cut, 0, 0}); }
  /// A member of the tar. With `size` > 0 its content() follows.
  Result<void> file(std::string_view raw_name, std::int64_t size);
  /// Reads the content of the member from `source` and shows it to `also`, a piece of at most 1 MiB
  /// after the other. Corrupt if the source holds less or more than `size` bytes.
  Result<void> content(ByteSource& source, std::int64_t size, const ByteSink& also);

  /// Waits for the rest. The digest of the whole tar; nothing more may be added.
  Result<Digest> finish();

 private:
  enum class Op : std::uint8_t { Segment, Cut, File, Content };

  /// What to do with the next `length` bytes of a batch.
  struct Step {
    Op op;
    std::uint32_t length;
    std::int64_t size;  // of a File
  };

  struct Batch {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
    std::vector<Step> steps;
  };

  static constexpr std::size_t kBatches = 4;
  static constexpr std::size_t kBatchSize = std::size_t{1} << 20;
  static constexpr std::size_t kMaxSegment = std::size_t{4} << 20;  // then it is cut

  // The caller's side.
  std::size_t space() const { return kBatchSize - batch_.used; }
  Result<std::span<char>> room(std::int64_t at_most);
  Result<void> submit();
  Error stop();

  // The digesting side.
  void run();
  Result<void> digest(const Batch& batch);
  Result<void> digest_step(const Step& step, std::string_view bytes);
  Result<void> end_segment();
  Result<void> end_file();

  Batch batch_;  // being filled
  BoundedQueue<Batch> full_{kBatches};
  BoundedQueue<Batch> empty_{kBatches};
  std::jthread thread_;

  // Owned by the digesting side while its thread runs.
  UniqueFd split_file_;
  tar::SplitWriter split_;
  Hasher hasher_;
  std::string segment_;    // since the last file
  std::string file_name_;  // of the member whose content is under way
  std::int64_t file_size_ = 0;
  std::int64_t file_left_ = 0;
  std::uint64_t file_crc_ = 0;
  Result<void> result_;
};

}  // namespace strata::detail

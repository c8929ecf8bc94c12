#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/byte_stream.h"
#include "digest/hasher.h"
#include "registry/client.h"
#include "transfer/detail/blob_file.h"
#include "transfer/detail/reporter.h"

namespace strata::transfer::detail {

/// A blob on its way: a thread fetches it into its file, from where it had got to in an earlier
/// try, and hashes it; readers follow, a little behind. Members may be called by any thread.
class Download {
 public:
  /// `repository` and `reporter` are borrowed.
  Download(registry::Repository& repository, registry::Descriptor blob, BlobFile file,
           Reporter& reporter);
  ~Download();
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  /// Begins, unless it has begun. Several layers may share a blob.
  void start();
  /// Ends it soon; what has come stays.
  void stop();
  /// Reads the blob from its start; the end comes only when its digest has been verified. Errors
  /// are those of the download.
  std::unique_ptr<ByteSource> reader();
  /// The bytes are wrong, although they came so: nothing of them is to be used again.
  void spoil();
  /// Takes the file away.
  void remove() { file_.remove(); }
  /// It was right: leaves it for later pulls and pushes.
  void keep() { file_.keep(); }

  const registry::Descriptor& blob() const { return blob_; }

 private:
  class Reader;
  void run(const std::stop_token& stop);
  Result<void> fetch(const std::stop_token& stop);
  Result<void> fetch_from(std::int64_t from, const std::stop_token& stop, Hasher& hasher);
  void advance(std::int64_t bytes);

  registry::Repository& repository_;
  const registry::Descriptor blob_;
  BlobFile file_;
  Reporter& reporter_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::int64_t reached_ = 0;
  bool started_ = false;
  bool done_ = false;
  std::optional<ErrorCode> error_code_;
  std::string error_text_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace strata::transfer::detail

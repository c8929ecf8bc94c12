#include "transfer/detail/download.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "digest/hasher.h"

namespace strata::transfer::detail {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;  // bytes read from the file at a time

Result<std::size_t> read_at(int fd, std::span<char> buffer, std::int64_t offset) {
  for (;;) {
    auto n = ::pread(fd, buffer.data(), buffer.size(), offset);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return Error::from_errno(errno, "read a blob");
  }
}

}  // namespace

/// Reads what is there, and waits for more.
class Download::Reader final : public ByteSource {
 public:
  explicit Reader(Download& download) : download_(download) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (buffer.empty()) return std::size_t{0};
    std::int64_t reached = 0;
    {
      std::unique_lock lock(download_.mutex_);
      download_.changed_.wait(lock, [this] { return download_.done_ || download_.reached_ > at_; });
      if (download_.error_code_) return Error(*download_.error_code_, download_.error_text_);
      reached = download_.reached_;
      // The last bytes come only when all have been verified: what reads them may seal a layer.
      if (!download_.done_ && reached == download_.blob_.size) {
        download_.changed_.wait(lock, [this] { return download_.done_; });
        if (download_.error_code_) return Error(*download_.error_code_, download_.error_text_);
      }
    }
    auto size = std::min<std::int64_t>(reached - at_, static_cast<std::int64_t>(buffer.size()));
    if (size == 0) return std::size_t{0};
    auto n = TRY(read_at(download_.file_.fd(), buffer.first(static_cast<std::size_t>(size)), at_));
    if (n == 0) return Error(ErrorCode::Corrupt, "a blob was cut off while it was read");
    at_ += static_cast<std::int64_t>(n);
    return n;
  }

 private:
  Download& download_;
  std::int64_t at_ = 0;
};

Download::Download(registry::Repository& repository, registry::Descriptor blob, BlobFile file,
                   Reporter& reporter)
    : repository_(repository),
      blob_(std::move(blob)),
      file_(std::move(file)),
      reporter_(reporter) {}

Download::~Download() { stop(); }

void Download::start() {
  std::lock_guard lock(mutex_);
  if (started_ || done_) return;
  started_ = true;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Download::stop() {
  std::jthread thread;
  {
    std::lock_guard lock(mutex_);
    thread = std::move(thread_);
    if (!started_ && !done_) {
      done_ = true;
      error_code_ = ErrorCode::Cancelled;
      error_text_ = "cancelled";
      changed_.notify_all();
    }
  }
  thread.request_stop();
  if (thread.joinable()) thread.join();
}

std::unique_ptr<ByteSource> Download::reader() { return std::make_unique<Reader>(*this); }

void Download::spoil() {
  stop();
  (void)file_.clear();
}

void Download::advance(std::int64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    reached_ += bytes;
    changed_.notify_all();
  }
  reporter_.tell(short_name(blob_.digest), "Downloading", reached_, blob_.size);
}

void Download::run(const std::stop_token& stop) {
  auto fetched = fetch(stop);
  if (fetched) {
    reporter_.tell(short_name(blob_.digest), "Verifying Checksum");
    reporter_.tell(short_name(blob_.digest), "Download complete");
  }
  std::lock_guard lock(mutex_);
  done_ = true;
  if (!fetched) {
    error_code_ = fetched.error().code();
    error_text_ = fetched.error().message();
  }
  changed_.notify_all();
}

/// Hashes what an earlier try has left, and fetches the rest.
Result<void> Download::fetch(const std::stop_token& stop) {
  Hasher hasher;
  auto kept = TRY(file_.size());
  if (kept > blob_.size) {
    TRY(file_.clear());
    kept = 0;
  }
  std::vector<char> buffer(kPiece);
  for (std::int64_t at = 0; at < kept;) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    auto n = TRY(read_at(file_.fd(), buffer, at));
    if (n == 0) break;
    hasher.update(buffer.data(), n);
    at += static_cast<std::int64_t>(n);
    advance(static_cast<std::int64_t>(n));
  }
  TRY(fetch_from(kept, stop, hasher));
  if (hasher.finish() == blob_.digest) return {};
  TRY(file_.clear());
  return Error(ErrorCode::Corrupt,
               "filesystem layer verification failed for digest " + blob_.digest.str());
}

Result<void> Download::fetch_from(std::int64_t from, const std::stop_token& stop, Hasher& hasher) {
  return repository_.blob(blob_, from,
                          [&](std::int64_t offset, std::string_view bytes) -> Result<void> {
                            if (stop.stop_requested())
                              return Error(ErrorCode::Cancelled, "cancelled");
                            hasher.update(bytes);
                            TRY(file_.write(offset, bytes));
                            advance(static_cast<std::int64_t>(bytes.size()));
                            return {};
                          });
}

}  // namespace strata::transfer::detail

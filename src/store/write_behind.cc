#include "store/write_behind.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"

namespace strata {
namespace {

/// Bytes. Each sync ends a transaction of the journal, so there should not be many.
constexpr std::int64_t kStep = std::int64_t{32} << 20;
constexpr std::int64_t kLittle = std::int64_t{4} << 20;  // for a pause

}  // namespace

WriteBehind::~WriteBehind() { end(); }

void WriteBehind::add(std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  waiting_ += bytes;
  if (waiting_ >= kStep) wake();
}

void WriteBehind::pause() {
  std::lock_guard lock(mutex_);
  if (waiting_ > kLittle) wake();
}

void WriteBehind::wake() {
  if (ends_) return;
  is_due_ = true;
  if (!thread_.joinable()) thread_ = std::jthread([this] { run(); });
  changed_.notify_all();
}

Result<std::optional<References::Prepared>> WriteBehind::sync_with(const References::Names& names) {
  end();
  if (lazy_) return std::optional<References::Prepared>();
  return strata::sync_with(store_, names);
}

void WriteBehind::end() {
  std::lock_guard lock(mutex_);
  ends_ = true;
  changed_.notify_all();
}

void WriteBehind::run() {
  // A descriptor of its own: an error that was told to one is not told to it again.
  auto dir = open_at(store_.dir(), ".", O_RDONLY | O_DIRECTORY);
  if (!dir) return;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || is_due_; });
    if (ends_) return;
    is_due_ = false;
    waiting_ = 0;
    lock.unlock();
    (void)::syncfs(dir->get());
    lock.lock();
  }
}

Result<std::size_t> WrittenBehind::read(std::span<char> buffer) {
  auto n = TRY(source_.read(buffer));
  if (behind_ != nullptr) behind_->add(static_cast<std::int64_t>(n));
  return n;
}

}  // namespace strata

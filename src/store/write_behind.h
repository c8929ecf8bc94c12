#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "base/byte_stream.h"
#include "store/store.h"

namespace strata {

/// Lets the disk begin with what a command unpacks or copies while it goes on: the sync at its end
/// waits for less. A thread of its own calls syncfs whenever enough has come; a command that
/// writes little has no such thread.
///
/// It promises nothing, and has no errors: the kernel tells one of the disk to each descriptor that
/// was open when it happened, so also to that of Store::sync().
class WriteBehind {
 public:
  /// Borrows `store`. `lazy`: nothing is ever synced.
  WriteBehind(const Store& store, bool lazy) : store_(store), ends_(lazy), lazy_(lazy) {}
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;
  /// Waits for a sync that is under way.
  ~WriteBehind();

  /// So many bytes, at most, are for the disk to write, or will be soon. Any thread.
  void add(std::int64_t bytes);
  /// Nothing is written for a while: what has come since the last sync is not kept waiting for
  /// more, unless it is little.
  void pause();
  /// sync_with(), at the end of the command: nothing begins any more.
  Result<std::optional<References::Prepared>> sync_with(const References::Names& names);

 private:
  void wake();
  void run();
  void end();

  const Store& store_;
  std::mutex mutex_;  // guards what is not const
  std::condition_variable changed_;
  std::int64_t waiting_ = 0;  // bytes since the last sync began
  bool is_due_ = false;       // the next one
  bool ends_;
  const bool lazy_;
  std::jthread thread_;  // last: it uses all of the above
};

/// Gives what `source` gives, the tar of a layer, and tells `behind`, which may be null, of it.
class WrittenBehind final : public ByteSource {
 public:
  /// Borrows both.
  WrittenBehind(ByteSource& source, WriteBehind* behind) : source_(source), behind_(behind) {}
  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  ByteSource& source_;
  WriteBehind* behind_;
};

}  // namespace strata

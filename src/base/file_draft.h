#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"

namespace strata {

/// The first half of write_file_atomic(): the temporary file, complete but not synced, and gone
/// with this object unless it is renamed. For who makes it durable together with other things.
class FileDraft {
 public:
  /// `dir` is borrowed.
  static Result<FileDraft> write(int dir, const std::string& name, std::string_view bytes,
                                 mode_t mode);
  FileDraft(FileDraft&& other) noexcept;
  FileDraft& operator=(FileDraft&&) = delete;
  ~FileDraft();

  Result<void> sync() const;
  /// Replaces `name`; with `sync` the directory is fsynced behind it.
  Result<void> publish(bool sync);

 private:
  FileDraft(int dir, std::string name, std::string temporary, UniqueFd fd);
  int dir_;
  std::string name_;
  std::string temporary_;  // empty: published or moved away
  UniqueFd fd_;
};

}  // namespace strata

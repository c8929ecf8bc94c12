#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/write_back.h"
#include "digest/hasher.h"
#include "store/store.h"

namespace strata::transfer::detail {

/// A blob that is made while it is sent: its digest, its size, and a copy that may be kept for
/// later pushes (store/kept_blobs.h). A copy that cannot be written is given up; nothing fails for
/// it. One thread at a time.
class NewBlob {
 public:
  /// At most `limit` bytes are kept.
  NewBlob(const Store& store, std::int64_t limit) : store_(store), limit_(limit) {}
  ~NewBlob();
  NewBlob(const NewBlob&) = delete;
  NewBlob& operator=(const NewBlob&) = delete;

  /// Begins, or begins again.
  Result<void> begin();
  void add(std::string_view bytes);
  void end();

  // Behind end():
  const Digest& digest() const { return digest_; }
  std::int64_t size() const { return size_; }
  /// Leaves the copy for others.
  void keep();

 private:
  void drop();

  const Store& store_;
  const std::int64_t limit_;
  Hasher hasher_;
  std::int64_t size_ = 0;
  Digest digest_;
  std::string name_;  // of the copy, below ROOT/strata/blobs; "" for none
  UniqueFd copy_;
  WriteBack write_back_;
};

}  // namespace strata::transfer::detail

#include "transfer/detail/new_blob.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/io.h"
#include "base/random_id.h"
#include "store/kept_blobs.h"

namespace strata::transfer::detail {

NewBlob::~NewBlob() { drop(); }

void NewBlob::drop() {
  if (name_.empty()) return;
  ::unlinkat(store_.own_dir(), ("blobs/" + name_).c_str(), 0);
  name_.clear();
  copy_ = UniqueFd();
}

Result<void> NewBlob::begin() {
  drop();
  hasher_ = Hasher();
  size_ = 0;
  write_back_ = {};
  if (limit_ <= 0) return {};
  // What a kill leaves under this name goes like the remains of pulls.
  auto name = "new-" + random_hex(16);
  if (!make_dirs(store_.own_dir(), "blobs", 0700)) return {};
  auto copy = open_at(store_.own_dir(), "blobs/" + name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!copy) return {};
  (void)::flock(copy->get(), LOCK_EX | LOCK_NB);  // it is at work: nobody sweeps it away
  copy_ = *std::move(copy);
  name_ = std::move(name);
  return {};
}

void NewBlob::add(std::string_view bytes) {
  hasher_.update(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  if (name_.empty()) return;
  if (size_ > limit_ || !write_all(copy_.get(), bytes)) return drop();
  write_back_.advance(copy_.get(), size_);
}

void NewBlob::end() { digest_ = hasher_.finish(); }

void NewBlob::keep() {
  if (name_.empty()) return;
  copy_ = UniqueFd();
  if (keep_blob(store_.own_dir(), name_, digest_)) name_.clear();
}

}  // namespace strata::transfer::detail

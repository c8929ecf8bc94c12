#include "store/detail/record_upper.h"

#include <fcntl.h>

#include "base/io.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "store/tree_tar.h"
#include "tar/writer.h"

namespace strata::detail {
namespace {

class Recorder {
 public:
  Recorder(int diff, LayerRecorder& out) : diff_(diff), out_(out) {}

  Result<std::int64_t> run() {
    auto visit = [this](const WalkEntry& w) -> Result<WalkStep> {
      if (!S_ISSOCK(w.st.st_mode)) TRY(record(w).context("{}", w.path));
      return WalkStep::Enter;
    };
    TRY(walk_tree(diff_, visit));
    return members_.size();
  }

 private:
  Result<void> record(const WalkEntry& w) {
    auto entry = TRY(members_.describe(w));
    TRY(out_.member(entry));
    if (entry.type == tar::EntryType::Regular && entry.size > 0) return record_content(w, entry);
    if (entry.type == tar::EntryType::Directory && TRY(is_opaque(w.dir, w.name)))
      return out_.member(opaque_mark(entry));
    return {};
  }

  Result<void> record_content(const WalkEntry& w, const tar::Entry& entry) {
    auto fd = TRY(open_at(w.dir, w.name, O_RDONLY | O_NOFOLLOW));
    FdSource source(fd.get());
    TRY(out_.content(source, entry.size));
    return out_.segment(tar::padding(entry.size));
  }

  int diff_;
  LayerRecorder& out_;
  TreeMembers members_;
};

}  // namespace

Result<std::int64_t> record_upper(int diff, LayerRecorder& recorder) {
  auto size = TRY(Recorder(diff, recorder).run());
  TRY(recorder.segment(tar::end_marker()));
  return size;
}

}  // namespace strata::detail

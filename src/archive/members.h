#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/fd.h"

namespace strata::archive {

/// JSON documents of an archive (manifests, indexes, configs) are at most so long, in bytes.
inline constexpr std::int64_t kMaxDocument = std::int64_t{4} << 20;
/// An archive has at most so many members.
inline constexpr std::size_t kMaxMembers = 100'000;

/// The files of an archive of images, by name and in any order: a tar, or a directory. Names are
/// clean and relative (tar::clean_name()). Whatever the archive says, nothing outside it is read.
class Members {
 public:
  Members() = default;
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  virtual ~Members() = default;

  /// Its content from the start, links followed. NotFound "NAME: no such member"; Corrupt for one
  /// that is no file, and for a link that leads out or nowhere.
  virtual Result<std::unique_ptr<ByteSource>> open(const std::string& name) const = 0;
  virtual bool contains(const std::string& name) const = 0;
  /// The names of all files and links, sorted.
  virtual Result<std::vector<std::string>> names() const = 0;
  /// So many may be read at the same time, by a thread each.
  virtual std::size_t at_once() const { return 4; }
  /// One that is read has failed, or the user has enough: ends whatever the others wait for, soon.
  virtual void cancel() const {}
};

/// The members of the tar in a regular file, which starts at `begin`. Only headers are read; of
/// members with the same name the last one counts, as if the archive had been unpacked. Corrupt
/// "tar entry NAME: ..." for a name or a link that leads out of the archive, Corrupt "unexpected
/// EOF" if it is shorter than its headers say.
Result<std::unique_ptr<Members>> index_tar(UniqueFd file, std::int64_t begin);

/// The files below a directory.
std::unique_ptr<Members> directory_members(UniqueFd directory);

/// The members of whatever `fd` is: a directory, a file (plain or compressed), a pipe. What cannot
/// be read in place is first copied, without its compression, to a nameless file in `spool_dir`;
/// `copied` (may be empty) hears of the bytes so far. Cancelled if `stop` is asked for.
Result<std::unique_ptr<Members>> open_members(
    UniqueFd fd, int spool_dir, const std::stop_token& stop,
    const std::function<void(std::int64_t bytes)>& copied = {});

/// The whole of a member, which is at most kMaxDocument bytes; every error begins with its name.
Result<std::string> read_document(const Members& members, const std::string& name);

}  // namespace strata::archive

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "base/fd.h"

namespace strata::copy::detail {

/// A tar that is being written, in a file that appears under its name when it is complete. A member
/// gets its name and its size when its bytes are there: blobs pass in one go, whatever becomes of
/// them.
class TarFile {
 public:
  /// Beside `path`, on the same file system.
  static Result<TarFile> create(const std::string& path);
  TarFile(TarFile&& o) noexcept;
  TarFile& operator=(TarFile&&) = delete;
  ~TarFile();  // an unfinished file is removed

  Result<void> add(const std::string& name, std::string_view content);
  /// `name` is asked after the last byte. A name is at most 100 bytes long.
  Result<void> add(ByteSource& content, const std::function<std::string()>& name);
  /// Exactly once, after the last member.
  Result<void> finish();

 private:
  TarFile(UniqueFd fd, std::string path, std::string temporary)
      : fd_(std::move(fd)), path_(std::move(path)), temporary_(std::move(temporary)) {}

  UniqueFd fd_;
  std::string path_;
  std::string temporary_;  // its name until it is finished
  std::int64_t at_ = 0;    // its end
};

/// The header of a regular file, one block. Sizes from 8 GiB on are written in base 256, as GNU tar
/// and Go's archive/tar do and read.
Result<std::string> file_header(const std::string& name, std::int64_t size);

}  // namespace strata::copy::detail

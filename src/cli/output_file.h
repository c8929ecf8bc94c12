#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace strata::cli {

/// Whether an archive can appear at `path`, as docker's client looks at it: `invalid output path:
/// directory "/x" does not exist`, or it is a device.
Result<void> check_output_path(const std::string& path);

/// Where a command that makes an archive writes it: to standard output, or to a file that appears
/// under its name only when it is complete. What was there before stays until then.
class OutputFile {
 public:
  /// `path` empty: standard output; InvalidArgument, in docker's words, if that is a terminal.
  static Result<OutputFile> open(const std::string& path);

  OutputFile(OutputFile&& o) noexcept
      : fd_(std::move(o.fd_)),
        path_(std::move(o.path_)),
        temporary_(std::exchange(o.temporary_, {})) {}
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // an unfinished file is removed

  Result<void> write(std::string_view bytes);
  /// Gives the file its name. Exactly once, after the last write.
  Result<void> finish();

 private:
  OutputFile(UniqueFd fd, std::string path, std::string temporary)
      : fd_(std::move(fd)), path_(std::move(path)), temporary_(std::move(temporary)) {}

  UniqueFd fd_;  // none: standard output
  std::string path_;
  std::string temporary_;  // its name until it is finished
};

}  // namespace strata::cli

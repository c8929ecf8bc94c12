#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/clock.h"
#include "engine/events.h"

namespace strata {

/// Looking into the file systems of images and containers. Nothing is run; what a name leads to is
/// found as a process inside would find it, and never outside. A name is that of an image, else
/// that of a container.

/// One line of `ls`.
struct FileLine {
  std::string name;        // raw bytes
  std::uint32_t mode = 0;  // st_mode, with the file's type
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t size = 0;  // bytes
  Time mtime;
  std::string link;          // where a symbolic link points
  std::uint64_t device = 0;  // st_rdev
};

/// The content of the directory `path`, sorted as bytes, or the one file `path`. A link at the end
/// is followed if it leads to a directory.
Result<std::vector<FileLine>> list_files(const EngineOptions& engine, std::string_view name,
                                         const std::string& path);

/// The bytes of the regular file `path`.
Result<void> read_file(const EngineOptions& engine, std::string_view name, const std::string& path,
                       const ByteSink& sink);

/// The file system of a container as one tar, as `docker export` gives it.
Result<void> export_container(const EngineOptions& engine, std::string_view name,
                              const ByteSink& sink);

/// Mounts an image read-only. `directory` empty: ROOT/strata/mnt/<ID>. Gives the absolute path.
Result<std::string> mount_image(const EngineOptions& engine, std::string_view image,
                                const std::string& directory);
/// Takes such a mount away. `what`: the image, or the directory it was mounted at.
Result<std::string> unmount_image(const EngineOptions& engine, const std::string& what);

}  // namespace strata

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/result.h"

namespace strata {

/// One -o of `build`: where the result goes, beside or instead of the store's names.
struct BuildOutput {
  enum class Type : std::uint8_t {
    Image,   // the image gets its names in the store
    Local,   // its files, in a directory
    Tar,     // its files, as one tar
    Docker,  // the archive that `save` writes
    Oci,     // the same as an OCI layout alone
  };
  Type type = Type::Image;
  std::string destination;         // a directory, a file, or "-": standard output; none for Image
  std::vector<std::string> names;  // of the image, instead of those of -t
  ByteSink sink;                   // of Tar, Docker, Oci: takes the bytes; the caller gives it

  bool is_stream() const { return type != Type::Image && type != Type::Local; }
};

/// The value of -o: a directory, "-" (a tar), or CSV "type=tar,dest=app.tar". InvalidArgument for
/// what makes no sense, Unsupported for what only BuildKit has.
Result<BuildOutput> parse_build_output(std::string_view text);

/// Whether files can be put into `path`: `destination directory x is a file`.
Result<void> check_build_directory(const std::string& path);

/// Puts all files below the directory fd `root` into the directory `destination`, as BuildKit's
/// local exporter does: modes, times, xattrs and hard links are kept, the owner is the user of this
/// process; what is there already is merged with, its other files stay. A new directory appears
/// only when it is complete; into an old one the files are moved when all of them are there. No
/// link in the destination is followed.
Result<void> export_directory(int root, const std::string& destination,
                              const std::function<Result<void>()>& check);

}  // namespace strata

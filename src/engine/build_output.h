#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/result.h"
#include "engine/registries.h"

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
  /// How the layers of an image are pushed; see PushRequest.
  struct Push {
    bool by_digest = false;  // without a tag
    PushForm form;
    bool insecure = false;  // registry.insecure: neither HTTPS nor certificates
  };
  Type type = Type::Image;
  std::string destination;         // a directory, a file, or "-": standard output; none for Image
  std::vector<std::string> names;  // of the image, instead of those of -t
  std::optional<Push> push;        // of Image: it is pushed under these names, too
  ByteSink sink;                   // of Tar, Docker, Oci: takes the bytes; the caller gives it

  bool is_stream() const { return type != Type::Image && type != Type::Local; }
};

/// The value of -o: a directory, "-" (a tar), or CSV "type=tar,dest=app.tar". InvalidArgument for
/// what makes no sense, Unsupported for what only BuildKit has. type=registry is an image that is
/// pushed.
Result<BuildOutput> parse_build_output(std::string_view text);

/// buildx's --push and --load: every output that is an image is pushed, and there is one; there is
/// one that gives the image its names in the store.
void add_push_and_load(std::vector<BuildOutput>& outputs, bool push, bool load);

/// The fields of one line of CSV (RFC 4180): commas in "quotes" do not part them.
Result<std::vector<std::string>> csv_fields(std::string_view text);

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

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::copy {

/// Where an image is, as users of skopeo write it: TRANSPORT:PLACE[:NAME].
struct Location {
  enum class Kind : std::uint8_t {
    Registry,       // docker://NAME[:TAG][@DIGEST], registry:NAME...
    Layout,         // oci:DIR[:NAME], oci:DIR@DIGEST
    LayoutArchive,  // oci-archive:FILE[:NAME]
    DockerArchive,  // docker-archive:FILE[:REFERENCE], docker-archive:FILE:@NUMBER
    Store,          // strata:IMAGE
  };
  Kind kind = Kind::Registry;
  std::string path;  // of a directory or file
  std::string name;  // what it is called there; may be empty but for Registry and Store
};

/// InvalidArgument for what is none of these.
Result<Location> parse_location(std::string_view text);

}  // namespace strata::copy

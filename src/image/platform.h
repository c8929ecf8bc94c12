#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// What an image runs on, in Go's words: linux, amd64, v8.
struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;  // "" for the usual one of the architecture

  /// "linux/arm/v7"; "unknown" without an os.
  std::string str() const;
  auto operator<=>(const Platform&) const = default;
};

/// Reads "os", "architecture", "os/architecture" or "os/architecture/variant"; what is missing is
/// the host's. The result is normalised. InvalidArgument with containerd's texts.
Result<Platform> parse_platform(std::string_view text);

/// Lower case, and one spelling for each: x86_64 is amd64, aarch64 is arm64, armhf is arm/v7,
/// arm64/v8 and amd64/v1 have no variant, macos is darwin. An empty os is linux.
Platform normalize(Platform platform);

/// Of this machine, from uname(2).
const Platform& host_platform();

/// What BUILDPLATFORM, TARGETOS and their like are in a Dockerfile: both say this machine.
std::map<std::string, std::string, std::less<>> platform_args();

}  // namespace strata

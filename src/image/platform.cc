#include "image/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "image/go_quote.h"

namespace strata {
namespace {

constexpr auto kSystems = std::to_array<std::string_view>(
    {"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
     "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"});
constexpr auto kArchitectures = std::to_array<std::string_view>(
    {"386",     "amd64",  "amd64p32", "arm",       "arm64",       "arm64be", "armbe",   "loong64",
     "mips",    "mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle",  "ppc",     "ppc64",
     "ppc64le", "riscv",  "riscv64",  "s390",      "s390x",       "sparc",   "sparc64", "wasm"});

bool is_one_of(const auto& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void to_lower(std::string& s) {
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
}

struct Alias {
  std::string_view architecture, variant;  // as it may be written; "*" is any variant
  std::string_view to_architecture, to_variant;
};

constexpr auto kAliases = std::to_array<Alias>({
    {"i386", "*", "386", ""},      {"i686", "*", "386", ""},
    {"x86_64", "", "amd64", ""},   {"x86-64", "", "amd64", ""},
    {"x86_64", "v1", "amd64", ""}, {"x86-64", "v1", "amd64", ""},
    {"amd64", "v1", "amd64", ""},  {"aarch64", "", "arm64", ""},
    {"aarch64", "8", "arm64", ""}, {"aarch64", "v8", "arm64", ""},
    {"arm64", "8", "arm64", ""},   {"arm64", "v8", "arm64", ""},
    {"armhf", "*", "arm", "v7"},   {"armv7l", "*", "arm", "v7"},
    {"armel", "*", "arm", "v6"},   {"armv6l", "*", "arm", "v6"},
    {"arm", "", "arm", "v7"},      {"arm", "7", "arm", "v7"},
    {"arm", "5", "arm", "v5"},     {"arm", "6", "arm", "v6"},
    {"arm", "8", "arm", "v8"},     {"loongarch64", "*", "loong64", ""},
});

bool is_specifier_part(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

Error invalid_platform(const std::string& what) {
  return Error(ErrorCode::InvalidArgument, what + ": invalid argument");
}

Result<Platform> parse_single(std::string_view text) {
  const Platform as_os = normalize({std::string(text), "", ""});
  if (is_one_of(kSystems, as_os.os))
    return Platform{as_os.os, host_platform().architecture, host_platform().variant};
  Platform p = normalize({host_platform().os, std::string(text), ""});
  if (is_one_of(kArchitectures, p.architecture)) return p;
  return invalid_platform(go_quote(text) + ": unknown operating system or architecture");
}

}  // namespace

std::string Platform::str() const {
  if (os.empty()) return "unknown";
  std::string s = os;
  if (!architecture.empty()) s += '/' + architecture;
  if (!variant.empty()) s += '/' + variant;
  return s;
}

Platform normalize(Platform p) {
  if (p.os.empty()) p.os = "linux";
  to_lower(p.os);
  to_lower(p.architecture);
  to_lower(p.variant);
  if (p.os == "macos") p.os = "darwin";
  const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const Alias& a) {
    return a.architecture == p.architecture && (a.variant == "*" || a.variant == p.variant);
  });
  if (alias != kAliases.end()) {
    p.architecture = alias->to_architecture;
    p.variant = alias->to_variant;
  }
  return p;
}

Result<Platform> parse_platform(std::string_view text) {
  if (text.find('*') != std::string_view::npos)
    return invalid_platform(go_quote(text) + ": wildcards not yet supported");
  const auto parts = split(text, '/');
  for (auto part : parts)
    if (!is_specifier_part(part))
      return invalid_platform(go_quote(part) + " is an invalid component of " + go_quote(text) +
                              ": platform specifier component must match \"^[A-Za-z0-9_-]+$\"");
  switch (parts.size()) {
    case 1:
      return parse_single(text);
    case 2:
      return normalize({std::string(parts[0]), std::string(parts[1]), ""});
    case 3:
      return normalize({std::string(parts[0]), std::string(parts[1]), std::string(parts[2])});
    default:
      return invalid_platform(go_quote(text) + ": cannot parse platform specifier");
  }
}

const Platform& host_platform() {
  static const Platform host = [] {
    utsname u = {};
    ::uname(&u);  // fails only for a bad pointer
    return normalize({"linux", u.machine, ""});
  }();
  return host;
}

std::map<std::string, std::string, std::less<>> platform_args() {
  const auto& host = host_platform();
  std::map<std::string, std::string, std::less<>> args;
  for (const char* which : {"BUILD", "TARGET"}) {
    std::string prefix = which;
    args[prefix + "PLATFORM"] = host.str();
    args[prefix + "OS"] = host.os;
    args[prefix + "OSVERSION"] = "";
    args[prefix + "ARCH"] = host.architecture;
    args[prefix + "VARIANT"] = host.variant;
  }
  return args;
}

}  // namespace strata

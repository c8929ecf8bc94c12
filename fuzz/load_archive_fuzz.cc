// rooms: archive
#include <sys/mman.h>

#include "archive/contents.h"
#include "archive/members.h"
#include "base/io.h"

// Any bytes, taken for a tar, give images or an Error. All that an image says of itself fits
// together, and its layers are members or errors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  if (!strata::write_all(file.get(), {reinterpret_cast<const char*>(data), size})) return 0;
  const auto members = strata::archive::index_tar(std::move(file), 0);
  if (!members) return 0;
  const auto images = strata::archive::read_contents(**members, {"linux", "amd64", ""});
  if (!images) return 0;
  for (const auto& image : *images) {
    if (strata::sha256(image.config) != image.id.digest()) __builtin_trap();
    if (image.layers.size() != image.parsed.diff_ids.size()) __builtin_trap();
    for (const auto& name : image.names)
      if (name.tag.empty() || name.digest) __builtin_trap();
    for (const auto& layer : image.layers) {
      const auto member = (*members)->open(layer.member);
      if (!member && member.error().message().empty()) __builtin_trap();
    }
  }
  return 0;
}

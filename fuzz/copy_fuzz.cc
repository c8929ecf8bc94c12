// rooms: copy
// What another machine, a layout or a user says to `copy` and `send`: the first byte chooses.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/io.h"
#include "copy/detail/media_types.h"
#include "copy/layout.h"
#include "copy/location.h"
#include "copy/wire.h"

using namespace strata;

namespace {

/// Frames up to the first one that is wrong; none is larger than it may be.
void read_frames(std::string_view text) {
  UniqueFd file(::memfd_create("frames", MFD_CLOEXEC));
  if (!write_all(file.get(), text) || ::lseek(file.get(), 0, SEEK_SET) != 0) std::abort();
  copy::Wire wire(file.get(), -1);
  std::size_t bytes = 0;
  while (auto frame = wire.receive()) bytes += frame->content.size() + 5;
  if (bytes > text.size()) std::abort();
}

/// An index that could be read has the new image once, however often it is added.
void add_to_index(std::string_view text) {
  registry::Document root{"{}", registry::kOciManifest, sha256("{}")};
  auto once = copy::add_to_index(text, root, "x");
  if (!once) return;
  auto twice = copy::add_to_index(*once, root, "x");
  if (!twice || *twice != *once) std::abort();
}

void rewrite(std::string_view text) {
  auto parts = registry::parse_parts(text, registry::kOciIndex);
  if (!parts || !parts->is_index) return;
  auto same = copy::detail::rewrite_index(text, parts->children, registry::kOciIndex);
  if (!same) std::abort();
  auto again = registry::parse_parts(*same, registry::kOciIndex);
  if (!again || again->children != parts->children) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'f':
      read_frames(text);
      break;
    case 'i':
      add_to_index(text);
      break;
    case 'r':
      rewrite(text);
      break;
    case 'l':
      (void)copy::parse_location(text);
      break;
    default:
      break;
  }
  return 0;
}

#include "tar/crc64.h"

#include <isa-l/crc64.h>

namespace strata::tar {

std::uint64_t crc64(std::string_view bytes, std::uint64_t before) {
  return crc64_iso_refl(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace strata::tar

// The functions of ISA-L that Strata calls, out of the library that is loaded when the first of
// them is: most commands need none, and every start would have to map and relocate it
// (docs/decisions/0017-a-start-loads-one-library.md). Debian has no static one.
#include <dlfcn.h>
#include <isa-l/crc.h>
#include <isa-l/crc64.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <unistd.h>

namespace {

/// As the dynamic loader ends a program whose library is not there.
[[noreturn]] void end_without_library() {
  (void)::fprintf(stderr, "strata: error while loading shared libraries: %s\n", ::dlerror());
  ::_exit(127);
}

void* library() {
  static void* const kLibrary = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
  if (kLibrary == nullptr) end_without_library();
  return kLibrary;
}

template <class Function>
Function* find(const char* name) {
  void* found = ::dlsym(library(), name);
  if (found == nullptr) end_without_library();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

extern "C" {

void isal_deflate_init(isal_zstream* stream) {
  static auto* const kFunction = find<decltype(isal_deflate_init)>("isal_deflate_init");
  kFunction(stream);
}

int isal_deflate_set_dict(isal_zstream* stream, uint8_t* dict, uint32_t size) {
  static auto* const kFunction = find<decltype(isal_deflate_set_dict)>("isal_deflate_set_dict");
  return kFunction(stream, dict, size);
}

int isal_deflate(isal_zstream* stream) {
  static auto* const kFunction = find<decltype(isal_deflate)>("isal_deflate");
  return kFunction(stream);
}

void isal_inflate_init(inflate_state* state) {
  static auto* const kFunction = find<decltype(isal_inflate_init)>("isal_inflate_init");
  kFunction(state);
}

void isal_inflate_reset(inflate_state* state) {
  static auto* const kFunction = find<decltype(isal_inflate_reset)>("isal_inflate_reset");
  kFunction(state);
}

int isal_inflate(inflate_state* state) {
  static auto* const kFunction = find<decltype(isal_inflate)>("isal_inflate");
  return kFunction(state);
}

uint32_t crc32_gzip_refl(uint32_t crc, const unsigned char* bytes, uint64_t size) {
  static auto* const kFunction = find<decltype(crc32_gzip_refl)>("crc32_gzip_refl");
  return kFunction(crc, bytes, size);
}

uint64_t crc64_iso_refl(uint64_t crc, const unsigned char* bytes, uint64_t size) {
  static auto* const kFunction = find<decltype(crc64_iso_refl)>("crc64_iso_refl");
  return kFunction(crc, bytes, size);
}

}  // extern "C"

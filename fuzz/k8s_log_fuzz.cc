// rooms: base runtime
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/io.h"
#include "runtime/k8s_log.h"

/// Any log ends in records or errors, one for each line at most; what is left is no whole line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::UniqueFd log(::memfd_create("log", MFD_CLOEXEC));
  if (!log || !strata::write_all(log.get(), text)) __builtin_trap();
  ::lseek(log.get(), 0, SEEK_SET);
  std::size_t lines = 0;
  for (char c : text) lines += c == '\n';
  strata::K8sLogReader reader(std::move(log));
  for (std::size_t answers = 0;; answers++) {
    auto record = reader.next();
    if (record && !*record) return 0;
    if (answers >= lines) __builtin_trap();
  }
}

#include <linux/close_range.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/heap.h"
#include "cli/commands.h"

namespace {

/// Nothing static is taken apart: that would bring in pages of the program for what ends with the
/// process in any case.
[[noreturn]] void leave(int status) {
  (void)std::fflush(nullptr);
#ifdef STRATA_SANITIZED  // a sanitizer says at exit(3) what it has found
  std::exit(status);
#else
  ::_exit(status);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  strata::keep_freed_memory();
  // A reader that goes away is an error of write(2), not the end of the program half-way.
  std::signal(SIGPIPE, SIG_IGN);
  // What the caller left open is his: no container and no monitor of one, which stays, gets it.
  (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  std::vector<std::string> args(argv + 1, argv + argc);
  leave(strata::cli::run(strata::cli::strata_program(), args));
}

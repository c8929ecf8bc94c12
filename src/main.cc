#include <linux/close_range.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "cli/commands.h"

int main(int argc, char** argv) {
  // A reader that goes away is an error of write(2), not the end of the program half-way.
  std::signal(SIGPIPE, SIG_IGN);
  // What the caller left open is his: no container and no monitor of one, which stays, gets it.
  (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  std::vector<std::string> args(argv + 1, argv + argc);
  return strata::cli::run(strata::cli::strata_program(), args);
}

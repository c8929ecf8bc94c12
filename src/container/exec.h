#pragma once

#include <string>
#include <vector>

#include "container/record.h"
#include "runtime/oci_runtime.h"

namespace strata {

/// `exec`. Descriptors are borrowed; -1: /dev/null.
struct ExecRequest {
  std::string name;  // of the container, as the user typed it
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string user;              // "user[:group]"; empty: that of the container
  std::string workdir;           // absolute; empty: that of the container
  bool tty = false;
  bool privileged = false;
  bool detach = false;
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
};

/// Runs one more program in a container; the outcome of a detached one is that it was started. What
/// keeps the program from being started is the failure of the outcome: "unable to find user nosuch:
/// no matching entries in passwd file", "OCI runtime exec failed: ...".
/// Conflict "Container <id> is not running", "Container <name> is paused, unpause the container
/// before exec".
Result<RunOutcome> exec_in_container(const Store& store, const ContainerRecord& record,
                                     const ExecRequest& request);

}  // namespace strata

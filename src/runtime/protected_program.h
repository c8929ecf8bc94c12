#pragma once

#include <string>

#include "base/fd.h"

namespace strata {

/// The program file `path` (absolute) as the only file of a detached read-only mount, to be
/// executed by descriptor. A process that comes to it by /proc/<pid>/exe, from a container too,
/// cannot write to it: this is what runtimes do with themselves against CVE-2019-5736, by starting
/// a second time. Given such a descriptor and `kProtectedMark` in their environment, they need not.
/// -1 if it is no ELF program (a script needs its path) or the kernel does not do it; the path will
/// do then.
UniqueFd open_protected_program(const std::string& path);

/// The variable by which crun and runc know that they have been started in this way. They look at
/// the file system of their program, too, and do not rely on it.
inline constexpr const char* kProtectedMark = "_LIBCONTAINER_CLONED_BINARY=1";

}  // namespace strata

#include "runtime/guardian.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/io.h"

namespace strata {
namespace {

// Ends the runtimes as kill_with_children() does (oci_runtime.cc).
constexpr const char* kScript =
    "all=' '\n"
    "while read -r what id pid; do\n"
    "  if [ \"$what\" = + ]; then all=\"$all$id:$pid \"\n"
    "  else rest=${all#*\" $id:\"}; all=\"${all%%\" $id:\"*} ${rest#* }\"; fi\n"
    "done\n"
    "for one in $all; do\n"
    "  id=${one%:*}; pid=${one#*:}; children=\n"
    "  kill -STOP $pid\n"
    "  read -r children < /proc/$pid/task/$pid/children\n"
    "  kill -KILL $children $pid\n"
    "  \"$@\" \"$id\"\n"
    "done\n";

}  // namespace

Result<void> Guardian::start() {
  std::lock_guard guard(mutex_);
  if (process_) return {};
  return start_locked();
}

Result<void> Guardian::take(const std::string& id, pid_t runtime) {
  std::lock_guard guard(mutex_);
  runtimes_[id] = runtime;
  if (process_ && tell(fmt::format("+ {} {}\n", id, runtime))) return {};
  return start_locked();
}

void Guardian::release(const std::string& id) {
  std::lock_guard guard(mutex_);
  if (runtimes_.erase(id) > 0) (void)tell(fmt::format("- {}\n", id));
}

/// Also in the place of one that somebody killed.
Result<void> Guardian::start_locked() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return Error::from_errno(errno, "socketpair");
  UniqueFd its_end(ends[0]);
  line_ = UniqueFd(ends[1]);
  auto null = TRY(open_at(AT_FDCWD, "/dev/null", O_RDWR));
  Command command;
  command.argv = {"/bin/sh", "-c", kScript, "strata-guardian"};
  command.argv.insert(command.argv.end(), remove_.begin(), remove_.end());
  command.stdin_fd = its_end.get();
  command.stdout_fd = null.get();
  command.stderr_fd = null.get();
  command.in_child = in_child_;
  command.new_session = true;
  command.die_with_parent = false;
  process_ = TRY(Process::start(command).context("guardian"));
  for (const auto& [id, runtime] : runtimes_)
    if (!tell(fmt::format("+ {} {}\n", id, runtime))) return Error::from_errno(errno, "guardian");
  return {};
}

bool Guardian::tell(const std::string& line) {
  return ::send(line_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

}  // namespace strata

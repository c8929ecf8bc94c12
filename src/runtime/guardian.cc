#include "runtime/guardian.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/io.h"

namespace strata {
namespace {

constexpr const char* kScript =
    "all=' '\n"
    "while read -r what id; do\n"
    "  if [ \"$what\" = + ]; then all=\"$all$id \"\n"
    "  else all=\"${all%%\" $id \"*} ${all#*\" $id \"}\"; fi\n"
    "done\n"
    "for id in $all; do \"$@\" \"$id\"; done\n";

}  // namespace

Result<void> Guardian::take(const std::string& id) {
  std::lock_guard guard(mutex_);
  ids_.insert(id);
  if (process_ && tell('+', id)) return {};
  return start();
}

void Guardian::release(const std::string& id) {
  std::lock_guard guard(mutex_);
  if (ids_.erase(id) > 0) (void)tell('-', id);
}

/// Also in the place of one that somebody killed.
Result<void> Guardian::start() {
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
  for (const auto& id : ids_)
    if (!tell('+', id)) return Error::from_errno(errno, "guardian");
  return {};
}

bool Guardian::tell(char what, const std::string& id) {
  auto text = fmt::format("{} {}\n", what, id);
  return ::send(line_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

}  // namespace strata

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "engine/registries.h"

namespace strata::cli {
namespace cmd_login {
namespace {

constexpr std::size_t kMaxPassword = std::size_t{1} << 20;  // bytes

struct Options {
  std::string username;
  std::string password;
  bool password_stdin = false;
  std::optional<bool> tls_verify;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.password, "password", 'p', "Password");
  f.add(o.password_stdin, "password-stdin", 0, "Take the password from stdin");
  add_tls_verify(f, o.tls_verify);
  f.add(o.username, "username", 'u', "Username");
}

/// Takes the password as docker's flags say.
Result<void> take_password(Options& o, Call& call) {
  if (!o.password.empty()) {
    fmt::print(call.err,
               "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (o.password_stdin)
      return Error(ErrorCode::InvalidArgument,
                   "--password and --password-stdin are mutually exclusive");
  }
  if (!o.password_stdin) return {};
  if (o.username.empty())
    return Error(ErrorCode::InvalidArgument, "Must provide --username with --password-stdin");
  o.password = TRY(read_all(STDIN_FILENO, kMaxPassword));
  while (o.password.ends_with('\n') || o.password.ends_with('\r')) o.password.pop_back();
  return {};
}

/// Keeps what is typed from being seen.
class HiddenInput {
 public:
  HiddenInput() {
    if (::tcgetattr(STDIN_FILENO, &before_) < 0) return;
    auto hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &hidden) == 0;
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;
  ~HiddenInput() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_ = {};
  bool changed_ = false;
};

Result<std::string> read_line() {
  std::string line;
  char c = 0;
  while (line.size() < kMaxPassword && TRY(read_full(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
    line += c;
  return line;
}

/// Asks for what is missing, on a terminal.
Result<void> ask(Options& o, Call& call, const std::string& server) {
  if (!o.username.empty() && !o.password.empty()) return {};
  if (::isatty(STDIN_FILENO) == 0)
    return Error(ErrorCode::InvalidArgument,
                 "Error: Cannot perform an interactive login from a non TTY device");
  if (o.username.empty()) {
    auto known = TRY(known_user(server, registry_access(call, o.tls_verify)));
    fmt::print(call.out, "Username{}: ", known.empty() ? "" : " (" + known + ")");
    std::fflush(call.out);
    o.username = TRY(read_line());
    if (o.username.empty()) o.username = known;
    if (o.username.empty())
      return Error(ErrorCode::InvalidArgument, "Error: Non-null Username Required");
  }
  if (!o.password.empty()) return {};
  fmt::print(call.out, "Password: ");
  std::fflush(call.out);
  {
    HiddenInput hidden;
    o.password = TRY(read_line());
  }
  fmt::print(call.out, "\n");
  if (o.password.empty()) return Error(ErrorCode::InvalidArgument, "Error: Password Required");
  return {};
}

Result<int> run(Options& o, Call& call) {
  TRY(take_password(o, call));
  LoginRequest request;
  if (!call.args.empty()) request.server = call.args[0];
  TRY(ask(o, call, request.server));
  request.username = o.username;
  request.password = o.password;
  request.access = registry_access(call, o.tls_verify);
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  auto stored = log_in(engine, request);
  if (!stored && interrupt.exit_code() != 0) return interrupt.exit_code();
  if (!stored) return from_daemon(std::move(stored).error());
  if (stored->as_plain_text)
    fmt::print(call.err,
               "WARNING! Your password will be stored unencrypted in {}.\n"
               "Configure a credential helper to remove this warning. See\n"
               "https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n\n",
               stored->file);
  fmt::print(call.out, "Login Succeeded\n");
  return 0;
}

}  // namespace
}  // namespace cmd_login

Command login_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] [SERVER]",
          .summary = "Log in to a Docker registry",
          .description =
              "Asks the registry whether it takes the name and the password, and keeps them in "
              "~/.docker/config.json, or in the credential helper that is named there.",
          .arity = at_most(1),
          .make = action<cmd_login::Options, cmd_login::add_flags, cmd_login::run>};
}

}  // namespace strata::cli

#include "cli/help.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace strata::cli {
namespace {

constexpr std::size_t kMinTextWidth = 24;  // narrower text goes below its flag
constexpr std::size_t kBelowIndent = 16;
constexpr std::size_t kSlop = 5;  // a last word may stick out rather than stand alone

std::string with_hanging_indent(std::string_view text, std::size_t indent) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out.append(indent, ' ');
  }
  return out;
}

// Takes from `rest` what fits on one line of `width`, or all of it if it has no place to break.
std::string_view take_line(std::string_view& rest, std::size_t width) {
  const auto cut = [&](std::size_t at) {
    const std::string_view line = rest.substr(0, at);
    rest.remove_prefix(std::min(rest.size(), at + 1));
    return line;
  };
  if (width + kSlop > rest.size()) return cut(rest.size());
  const std::string_view head = rest.substr(0, width);
  const std::size_t blank = head.find_last_of(" \t\n");
  if (blank == std::string_view::npos || blank == 0) return cut(rest.size());
  const std::size_t line_end = head.rfind('\n');
  const bool breaks = line_end != std::string_view::npos && line_end > 0 && line_end < blank;
  return cut(breaks ? line_end : blank);
}

std::string wrap(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out;
  std::size_t width = columns > indent ? columns - indent : 0;
  if (width < kMinTextWidth) {
    indent = kBelowIndent;
    width = columns > indent ? columns - indent : 0;
    out = "\n" + std::string(indent, ' ');
  }
  if (width < kMinTextWidth) return with_hanging_indent(text, indent);
  out += with_hanging_indent(take_line(text, width - kSlop), indent);
  while (!text.empty()) {
    out += "\n" + std::string(indent, ' ');
    out += with_hanging_indent(take_line(text, width - kSlop), indent);
  }
  return out;
}

std::string flag_column(const Flag& flag) {
  std::string column = flag.shorthand() != 0
                           ? fmt::format("  -{}, --{}", flag.shorthand(), flag.name())
                           : fmt::format("      --{}", flag.name());
  if (!flag.type().empty()) column += " " + flag.type();
  return column;
}

std::string flag_text(const Flag& flag) {
  std::string text = flag.usage();
  if (!flag.default_text().empty()) text += fmt::format(" (default {})", flag.default_text());
  return text;
}

std::string command_list(std::string_view heading, const std::vector<const Command*>& commands) {
  if (commands.empty()) return {};
  std::size_t width = 11;  // cobra's least, padding included
  for (const Command* c : commands) width = std::max(width, last_word(c->path).size());
  std::string out = fmt::format("\n{}:\n", heading);
  for (const Command* c : commands) {
    out += fmt::format("  {:<{}} {}\n", last_word(c->path), width, c->summary);
  }
  return out;
}

std::string options_block(const Command& command, int columns) {
  if (command.make == nullptr) return {};
  FlagSet flags;
  const auto action = command.make();
  action->add_flags(flags);
  const std::string lines = flag_lines(flags, columns);
  return lines.empty() ? lines : "\nOptions:\n" + lines;
}

std::string aliases_block(const Command& command) {
  if (command.aliases.empty()) return {};
  std::string out = fmt::format("\nAliases:\n  {}", last_word(command.path));
  for (std::string_view rest = command.aliases; !rest.empty();) {
    const std::size_t blank = rest.find(' ');
    out += fmt::format(", {}", rest.substr(0, blank));
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
  return out + "\n";
}

}  // namespace

std::string flag_lines(const FlagSet& flags, int columns) {
  std::vector<const Flag*> shown = flags.sorted();
  std::erase_if(shown, [](const Flag* f) { return f->is_hidden(); });
  std::size_t longest = 0;
  for (const Flag* flag : shown) longest = std::max(longest, flag_column(*flag).size());
  const std::size_t indent = longest + 3;
  const std::size_t limit = columns > 1 ? static_cast<std::size_t>(columns - 1) : 0;
  std::string out;
  for (const Flag* flag : shown) {
    out += fmt::format("{:<{}}{}\n", flag_column(*flag), indent,
                       wrap(flag_text(*flag), indent, limit));
  }
  return out;
}

std::string usage_line(const Program& program, const Command& command) {
  std::string line = fmt::format("{} {}", program.name, command.path);
  if (command.make == nullptr) return line + " COMMAND";
  return command.operands.empty() ? line : fmt::format("{} {}", line, command.operands);
}

std::string command_help(const Program& program, const Command& command, int columns) {
  std::string out =
      fmt::format("\nUsage:  {}\n\n{}\n", usage_line(program, command), command.summary);
  out += aliases_block(command);
  out += options_block(command, columns);
  if (command.make != nullptr) return out;
  out += command_list("Commands", commands_below(program, command.path));
  return out + fmt::format("\nRun '{} {} COMMAND --help' for more information on a command.\n",
                           program.name, command.path);
}

std::string program_help(const Program& program, int columns) {
  FlagSet flags;
  Globals globals;
  add_global_flags(flags, globals);
  std::vector<const Command*> plain = commands_below(program, "");
  std::vector<const Command*> groups = plain;
  std::erase_if(groups, [](const Command* c) { return c->make != nullptr; });
  std::erase_if(plain, [](const Command* c) { return c->make == nullptr; });
  return fmt::format("\nUsage:  {} [OPTIONS] COMMAND\n\n{}\n\nOptions:\n{}", program.name,
                     program.summary, flag_lines(flags, columns)) +
         command_list("Management Commands", groups) + command_list("Commands", plain) +
         fmt::format("\nRun '{} COMMAND --help' for more information on a command.\n",
                     program.name);
}

namespace {

constexpr std::string_view kDefaultHost = "unix:///var/run/docker.sock";
constexpr std::string_view kLogLevels[] = {"panic",   "fatal", "error", "warn",
                                           "warning", "info",  "debug", "trace"};

/// So that `alias docker=strata` can be called as scripts call docker.
void add_daemon_flags(FlagSet& flags, Globals& globals) {
  flags.add(globals.config, "config", 0, "Location of client config files").hidden();
  flags.add(globals.context, "context", 'c', "Name of the context to use").hidden();
  flags.add(globals.hosts, "host", 'H', "Daemon socket(s) to connect to").hidden();
  flags.add(globals.log_level, "log-level", 'l', "Set the logging level").hidden();
  flags.add(globals.tls, "tls", 0, "Use TLS; implied by --tlsverify").hidden();
  flags.add(globals.tls, "tlsverify", 0, "Use TLS and verify the remote").hidden();
  for (const char* name : {"tlscacert", "tlscert", "tlskey"})
    flags.add(globals.tls_file, name, 0, "Path to a TLS file").hidden();
}

}  // namespace

void add_global_flags(FlagSet& flags, Globals& globals) {
  flags.stop_at_first_operand();
  flags.add(globals.debug, "debug", 'D', "Show what was being done when an error came up");
  const auto set_durability = [&globals](std::string_view text) -> Result<void> {
    if (text != "full" && text != "lazy") {
      return Error(ErrorCode::InvalidArgument, "must be \"full\" or \"lazy\"");
    }
    globals.durability = text;
    return {};
  };
  flags
      .add_value(set_durability, "string", "durability", 0,
                 "When results are forced to the disk: before success is reported (full), or "
                 "when the kernel likes (lazy)")
      .default_text("\"full\"");
  flags.add(globals.root, "root", 0, "Directory of the store; environment: STRATA_ROOT");
  flags.add(globals.version, "version", 'v', "Print version information and quit");
  add_daemon_flags(flags, globals);
}

Result<void> check_globals(const Globals& globals) {
  auto refuse = [](std::string why) { return Error(ErrorCode::InvalidArgument, std::move(why)); };
  std::string level = globals.log_level;
  for (char& c : level) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  if (std::find(std::begin(kLogLevels), std::end(kLogLevels), level) == std::end(kLogLevels))
    return refuse(fmt::format("Unable to parse logging level: {}", globals.log_level));
  if (!globals.hosts.empty() && !globals.context.empty())
    return refuse("Conflicting options: either specify --host or --context, not both");
  if (globals.hosts.size() > 1)
    return refuse("unable to resolve docker endpoint: Please specify only one -H");
  if (!globals.context.empty() && globals.context != "default")
    return refuse(fmt::format("unable to resolve docker endpoint: context \"{}\" does not exist",
                              globals.context));
  if (!globals.hosts.empty() && !globals.hosts[0].empty() && globals.hosts[0] != kDefaultHost)
    return refuse(
        fmt::format("--host {}: there is no daemon to connect to; this machine's store is "
                    "used, see --root",
                    globals.hosts[0]));
  return {};
}

std::vector<const Command*> commands_below(const Program& program, std::string_view group) {
  std::vector<const Command*> found;
  for (const Command& c : program.commands) {
    if (!c.hidden && group_of(c.path) == group) found.push_back(&c);
  }
  std::sort(found.begin(), found.end(),
            [](const Command* a, const Command* b) { return a->path < b->path; });
  return found;
}

std::string_view group_of(std::string_view path) {
  const std::size_t blank = path.rfind(' ');
  return path.substr(0, blank == std::string_view::npos ? 0 : blank);
}

std::string_view last_word(std::string_view path) {
  return path.substr(path.rfind(' ') + 1);  // npos + 1 is 0
}

int terminal_columns() {
  winsize size = {};
  return ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace strata::cli

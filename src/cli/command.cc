#include "cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/heap.h"
#include "cli/help.h"

namespace strata::cli {
namespace {

constexpr int kUsageExit = 125;

/// Where the output of one run goes, and for which program.
struct Driver {
  const Program& program;
  std::FILE* out;
  std::FILE* err;

  void print(std::string_view text) const { put(out, text); }
  void complain(std::string_view text) const { put(err, text); }
  static void put(std::FILE* to, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), to);
  }
};

bool names(const Command& command, std::string_view word) {
  if (last_word(command.path) == word) return true;
  for (std::string_view rest = command.aliases; !rest.empty();) {
    const std::size_t blank = rest.find(' ');
    if (rest.substr(0, blank) == word) return true;
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
  return false;
}

const Command* find_below(const Program& program, std::string_view group, std::string_view word) {
  for (const Command& c : program.commands) {
    if (group_of(c.path) == group && names(c, word)) return &c;
  }
  return nullptr;
}

std::string count_of(int n) { return fmt::format("{} argument{}", n, n == 1 ? "" : "s"); }

// docker's sentence about how many operands it wants; "" if `n` is right.
std::string arity_error(const Arity& arity, std::size_t given) {
  const auto n = static_cast<long long>(given);
  if (n >= arity.min && n <= arity.max) return {};
  if (arity.max == 0) return "accepts no arguments.";
  if (arity.min == arity.max) return fmt::format("requires exactly {}.", count_of(arity.min));
  if (arity.max == Arity::kAny) return fmt::format("requires at least {}.", count_of(arity.min));
  if (arity.min == 0) return fmt::format("requires at most {}.", count_of(arity.max));
  return fmt::format("requires at least {} and at most {}.", arity.min, count_of(arity.max));
}

std::string see_help(const Program& program, std::string_view path) {
  return fmt::format("See '{}{}{} --help'", program.name, path.empty() ? "" : " ", path);
}

int refuse_flags(const Driver& d, const Command& command, const Error& error) {
  d.complain(fmt::format("{}\n{}.\n", error.message(), see_help(d.program, command.path)));
  if (command.make == nullptr) {
    d.complain(command_help(d.program, command, terminal_columns()) + "\n");
  }
  return command.usage_exit;
}

int refuse_operands(const Driver& d, const Command& command, std::string_view why) {
  d.complain(fmt::format("\"{0} {1}\" {2}\n{3}.\n\nUsage:  {4}\n\n{5}\n", d.program.name,
                         command.path, why, see_help(d.program, command.path),
                         usage_line(d.program, command), command.summary));
  return 1;
}

int show_help(const Driver& d, const Command& command, bool by_shorthand) {
  if (by_shorthand) d.print("Flag shorthand -h has been deprecated, please use --help\n");
  d.print(command_help(d.program, command, terminal_columns()));
  return 0;
}

int run_action(const Driver& d, const Command& command, const Globals& globals,
               std::span<const std::string> args) {
  const auto action = command.make();
  FlagSet flags;
  action->add_flags(flags);
  auto parsed = flags.parse(args);
  if (!parsed) return refuse_flags(d, command, parsed.error());
  if (parsed->help || parsed->short_help) return show_help(d, command, parsed->short_help);
  for (const std::string& notice : parsed->notices) d.complain(notice + "\n");
  const std::string why = arity_error(command.arity, parsed->operands.size());
  if (!why.empty()) return refuse_operands(d, command, why);

  Call call = {d.program, command, globals, std::move(parsed->operands), d.out, d.err};
  if (command.large_heap) use_large_heap();
  auto status = action->run(call);
  if (status) return *status;
  d.complain(status.error().message() + "\n");
  return 1;
}

// A group by itself, or with something that is none of its commands.
int run_group(const Driver& d, const Command& group, std::span<const std::string> args) {
  FlagSet none;
  auto parsed = none.parse(args);
  if (!parsed) return refuse_flags(d, group, parsed.error());
  if (parsed->help || parsed->short_help) return show_help(d, group, parsed->short_help);
  d.complain(command_help(d.program, group, terminal_columns()));
  return parsed->operands.empty() ? 0 : 1;
}

int run_from(const Driver& d, const Globals& globals, const Command* command,
             std::span<const std::string> args) {
  while (command->make == nullptr && !args.empty()) {
    const Command* below = find_below(d.program, command->path, args[0]);
    if (below == nullptr) break;
    command = below;
    args = args.subspan(1);
  }
  return command->make != nullptr ? run_action(d, *command, globals, args)
                                  : run_group(d, *command, args);
}

int run_help(const Driver& d, std::span<const std::string> topic) {
  std::string_view path;
  const Command* command = nullptr;
  for (const std::string& word : topic) {
    command = find_below(d.program, path, word);
    if (command == nullptr) {
      d.complain(fmt::format("unknown help topic: {}\n", word));
      return 1;
    }
    path = command->path;
  }
  if (command != nullptr) return show_help(d, *command, false);
  d.print(program_help(d.program, terminal_columns()));
  return 0;
}

int refuse_globals(const Driver& d, const Error& error) {
  d.complain(fmt::format("{}\n{}.\n{}\n", error.message(), see_help(d.program, ""),
                         program_help(d.program, terminal_columns())));
  return kUsageExit;
}

// `strata --help WORDS`: of the command that the words begin with, else of the program.
int help_for(const Driver& d, std::span<const std::string> words) {
  std::string_view path;
  const Command* command = nullptr;
  for (const std::string& word : words) {
    const Command* below = find_below(d.program, path, word);
    if (below == nullptr) break;
    command = below;
    path = below->path;
  }
  if (command != nullptr) return show_help(d, *command, false);
  d.print(program_help(d.program, terminal_columns()));
  return 0;
}

int run_named(const Driver& d, const Globals& globals, std::span<const std::string> words) {
  if (words[0] == "help") return run_help(d, words.subspan(1));
  const Command* command = find_below(d.program, "", words[0]);
  if (command != nullptr) return run_from(d, globals, command, words.subspan(1));
  if (std::find(words.begin(), words.end(), "--help") != words.end()) return help_for(d, {});
  d.complain(fmt::format("{0}: '{1}' is not a {0} command.\n{2}\n", d.program.name, words[0],
                         see_help(d.program, "")));
  return 1;
}

}  // namespace

const Command* find_command(const Program& program, std::span<const std::string> words) {
  const Command* command = nullptr;
  for (const std::string& word : words) {
    command = find_below(program, command == nullptr ? std::string_view() : command->path, word);
    if (command == nullptr) return nullptr;
  }
  return command;
}

int run(const Program& program, std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const Driver d = {program, out, err};
  Globals globals;
  FlagSet flags;
  bool help = false;
  add_global_flags(flags, globals);
  flags.add(help, "help", 0, "Print usage").hidden();
  auto parsed = flags.parse(args);
  if (!parsed) return refuse_globals(d, parsed.error());
  const char* root = std::getenv("STRATA_ROOT");
  if (!flags.given("root") && root != nullptr && *root != '\0') globals.root = root;

  const std::vector<std::string>& words = parsed->operands;
  if (help || parsed->short_help) return help_for(d, words);
  if (!words.empty()) {
    if (auto good = check_globals(globals); !good) {
      d.complain(good.error().message() + "\n");
      return 1;
    }
    return run_named(d, globals, words);
  }
  if (globals.version) {
    d.print(fmt::format("{} {}\n", program.name, program.version));
  } else {
    d.complain(program_help(program, terminal_columns()));
  }
  return 0;
}

}  // namespace strata::cli

#pragma once

#include <cstdio>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"

namespace strata::cli {

struct Command;
struct Program;

/// The flags that stand before the command: `strata --root DIR images`.
struct Globals {
  std::string root = "/var/lib/strata";  // --root, else STRATA_ROOT if set and not empty
  std::string durability = "full";       // --durability: full or lazy
  bool debug = false;                    // -D: errors with the chain of what was being done
  bool version = false;                  // -v

  // docker's, which say where its daemon is. There is none here: see check_globals().
  std::vector<std::string> hosts;  // -H
  std::string context;             // -c
  std::string config;              // --config: of docker's client; only config.json is read there
  std::string log_level = "info";  // -l: checked, nothing is logged
  bool tls = false;                // --tls, --tlsverify: accepted
  std::string tls_file;            // --tlscacert, --tlscert, --tlskey: accepted
};

/// One use of a command, as its run function sees it.
struct Call {
  const Program& program;
  const Command& command;
  Globals globals;
  std::vector<std::string> args;  // the operands; their number fits the command's arity
  std::FILE* out = stdout;        // results
  std::FILE* err = stderr;        // everything else
};

/// A command with its flags built: lives from its choice to its end. See action<>().
class Action {
 public:
  Action() = default;
  Action(const Action&) = delete;
  Action& operator=(const Action&) = delete;
  virtual ~Action() = default;
  virtual void add_flags(FlagSet& flags) = 0;
  virtual Result<int> run(Call& call) = 0;
};

/// How many operands a command takes, both ends included.
struct Arity {
  static constexpr int kAny = std::numeric_limits<int>::max();
  int min = 0;
  int max = kAny;
};
constexpr Arity no_operands() { return {0, 0}; }
constexpr Arity exactly(int n) { return {n, n}; }
constexpr Arity at_least(int n) { return {n, Arity::kAny}; }
constexpr Arity at_most(int n) { return {0, n}; }
constexpr Arity between(int min, int max) { return {min, max}; }

/// One row of the command table: plain text and a pointer, no flags; a table of them costs nothing
/// at start-up.
///
///   struct Options { bool quiet = false; };
///   void add_flags(FlagSet& f, Options& o) { f.add(o.quiet, "quiet", 'q', "Only show IDs"); }
///   Result<int> run(Options& o, Call& call);
///   Command images_command(std::string_view path) {
///     return {.path = path, .operands = "[OPTIONS] [REPOSITORY[:TAG]]",
///             .summary = "List images", .arity = at_most(1),
///             .make = action<Options, add_flags, run>};
///   }
struct Command {
  std::string_view path = {};         // words after the program's name: "image ls"
  std::string_view aliases = {};      // other names of its last word, blank separated: "list"
  std::string_view operands = {};     // usage after the path: "[OPTIONS] IMAGE [IMAGE...]"
  std::string_view summary = {};      // one line, no full stop
  std::string_view description = {};  // the man page's DESCRIPTION; blank lines part paragraphs
  Arity arity = {};
  std::unique_ptr<Action> (*make)() = nullptr;  // null: a group of commands ("image")
  bool hidden = false;                          // in no list
  int usage_exit = 125;                         // of flags that cannot be parsed, as docker
  std::string_view exit_status = {};  // the man page's EXIT STATUS, beyond 0, 1 and usage_exit
  bool large_heap = false;            // it needs some MiB of memory: base/heap.h
};

/// Everything the driver knows. The table may have any order; help sorts.
struct Program {
  std::string_view name = "strata";
  std::string_view summary = {};
  std::string_view version = {};  // what `-v` prints after the name: "version 0.1.0"
  std::span<const Command> commands = {};
};

/// The `make` of a command: Options is a struct with defaults, kFlags binds flags to it, kRun does
/// the work and gives the exit status. An Error that kRun returns is printed once, with status 1.
template <class Options, void (*kFlags)(FlagSet&, Options&), Result<int> (*kRun)(Options&, Call&)>
std::unique_ptr<Action> action() {
  class Bound final : public Action {
    void add_flags(FlagSet& flags) override { kFlags(flags, options_); }
    Result<int> run(Call& call) override { return kRun(options_, call); }
    Options options_;
  };
  return std::make_unique<Bound>();
}

/// The same for a command without flags.
template <Result<int> (*kRun)(Call&)>
std::unique_ptr<Action> action() {
  class Bound final : public Action {
    void add_flags(FlagSet&) override {}
    Result<int> run(Call& call) override { return kRun(call); }
  };
  return std::make_unique<Bound>();
}

/// Finds the command that `args` (without argv[0]) name, parses its flags, runs it and gives the
/// exit status of the process. Mistakes in the command line are answered with docker 20.10's texts
/// and statuses (docs/errors.md), the program's name in place of docker's; --help goes to `out`.
int run(const Program& program, std::span<const std::string> args, std::FILE* out = stdout,
        std::FILE* err = stderr);

/// The command whose path or alias is exactly `words` ("image", "list"); nullptr if none.
const Command* find_command(const Program& program, std::span<const std::string> words);

}  // namespace strata::cli

#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/flags.h"
#include "engine/registries.h"

namespace strata::cli {

/// Shows a pull or push as docker's client does: on a terminal one line for each layer, rewritten
/// in place, with a bar while bytes move; elsewhere one line for each state. One thread at a time.
class TransferOutput {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  TransferOutput(std::FILE* out, bool terminal, Clock clock = std::chrono::steady_clock::now)
      : out_(out), terminal_(terminal), clock_(std::move(clock)) {}
  /// Whether `out` is a terminal that can move its cursor, it finds out itself.
  explicit TransferOutput(std::FILE* out);

  void show(const TransferEvent& event);
  TransferEvents events() {
    return [this](const TransferEvent& event) { show(event); };
  }

 private:
  struct Row {
    std::size_t number = 0;  // from the top
    std::chrono::steady_clock::time_point shown;
  };
  void rewrite(const TransferEvent& event, const std::string& text);

  std::FILE* out_;
  bool terminal_;
  Clock clock_;
  std::map<std::string, Row> rows_;  // of the block of lines at hand, by id
};

/// A pull or push as docker's client runs it.
struct TransferRun {
  std::string_view verb;    // "pull": what "cancelled" is said of
  std::string default_tag;  // the tag that is meant where none was given; said first
  bool quiet = false;       // nothing is shown while it runs
};

/// What it ended with: the name that was moved or an error, and the exit code that a signal asks
/// for, which has been said on stderr then; 0: there was none.
struct TransferEnd {
  Result<std::string> name;
  int signalled = 0;
};

/// Runs `transfer` until it ends or a signal asks it to.
TransferEnd run_transfer(const TransferRun& run, Call& call,
                         const std::function<Result<std::string>(const EngineOptions&,
                                                                 const TransferEvents&)>& transfer);

/// How this call talks to registries. What they warn of goes to its stderr, each text once.
RegistryAccess registry_access(const Call& call, std::optional<bool> tls_verify = std::nullopt);

/// --tls-verify, as podman has it.
void add_tls_verify(FlagSet& flags, std::optional<bool>& verify);

}  // namespace strata::cli

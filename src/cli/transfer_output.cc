#include "cli/transfer_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>

#include "cli/interrupt.h"
#include "cli/report.h"
#include "progress/download_text.h"

namespace strata::cli {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);

bool moves_its_cursor(std::FILE* out) {
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(out)) != 0 && term != nullptr && *term != '\0' &&
         std::string_view(term) != "dumb";
}

}  // namespace

TransferOutput::TransferOutput(std::FILE* out) : TransferOutput(out, moves_its_cursor(out)) {}

void TransferOutput::show(const TransferEvent& event) {
  std::string text = event.id.empty() ? event.status : event.id + ": " + event.status;
  bool is_progress = event.total > 0;
  if (!terminal_ || event.id.empty()) {
    if (is_progress) return;
    rows_.clear();
    fmt::print(out_, "{}\n", text);
  } else {
    if (is_progress) text += ' ' + progress::progress_bar(event.current, event.total);
    rewrite(event, text);
  }
  std::fflush(out_);
}

void TransferOutput::rewrite(const TransferEvent& event, const std::string& text) {
  auto now = clock_();
  auto found = rows_.find(event.id);
  if (found == rows_.end()) {
    rows_.emplace(event.id, Row{rows_.size(), now});
    fmt::print(out_, "{}\n", text);
    return;
  }
  auto& row = found->second;
  if (event.total > 0 && event.current < event.total && now - row.shown < kRedraw) return;
  row.shown = now;
  auto up = rows_.size() - row.number;
  fmt::print(out_, "\x1b[{0}A\x1b[2K\r{1}\r\x1b[{0}B", up, text);
}

TransferEnd run_transfer(
    const TransferRun& run, Call& call,
    const std::function<Result<std::string>(const EngineOptions&, const TransferEvents&)>&
        transfer) {
  if (!run.default_tag.empty() && !run.quiet) {
    fmt::print(call.out, "Using default tag: {}\n", run.default_tag);
    std::fflush(call.out);
  }
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  TransferOutput output(call.out);
  TransferEnd end{transfer(engine, run.quiet ? TransferEvents() : output.events())};
  if (!end.name && interrupt.exit_code() != 0) {
    fmt::print(call.err, "{} cancelled\n", run.verb);
    end.signalled = interrupt.exit_code();
  }
  return end;
}

RegistryAccess registry_access(const Call& call, std::optional<bool> tls_verify) {
  struct Told {
    std::mutex mutex;  // guards `texts`
    std::set<std::string> texts;
  };
  RegistryAccess access;
  access.config_dir = call.globals.config;
  access.tls_verify = tls_verify;
  access.warn = [told = std::make_shared<Told>(), err = call.err](const std::string& host,
                                                                  const std::string& text) {
    std::lock_guard lock(told->mutex);
    if (told->texts.insert(host + ' ' + text).second)
      fmt::print(err, "WARNING: {}: {}\n", host, text);
  };
  return access;
}

void add_tls_verify(FlagSet& flags, std::optional<bool>& verify) {
  flags
      .add_value(
          [&verify](std::string_view text) -> Result<void> {
            verify = TRY(parse_go_bool(text));
            return {};
          },
          "", "tls-verify", 0,
          "Require HTTPS and verify certificates (--tls-verify=false: neither)")
      .value_if_bare("true");
}

}  // namespace strata::cli

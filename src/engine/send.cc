#include "engine/send.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "archive/save.h"
#include "base/process.h"
#include "copy/wire.h"
#include "store/store.h"

namespace strata {
namespace {

struct Address {
  std::string host;
  std::string port;  // "" for ssh's own
};

/// Nothing that ssh could take for one of its options.
Result<Address> parse_address(const std::string& text) {
  Address address{text, ""};
  constexpr std::string_view kScheme = "ssh://";
  if (text.starts_with(kScheme)) {
    address.host = text.substr(kScheme.size());
    while (address.host.ends_with('/')) address.host.pop_back();
    auto colon = address.host.rfind(':');
    if (colon != std::string::npos && address.host.find(']', colon) == std::string::npos) {
      address.port = address.host.substr(colon + 1);
      address.host.resize(colon);
    }
  }
  bool bad_port = address.port.find_first_not_of("0123456789") != std::string::npos;
  if (address.host.empty() || address.host.starts_with('-') || bad_port ||
      address.host.find_first_of("/ \t\n") != std::string::npos)
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("invalid host \"{}\": must be USER@HOST or ssh://USER@HOST:PORT", text));
  return address;
}

std::vector<std::string> ssh_words(const Address& address, const std::string& program) {
  const char* named = std::getenv("STRATA_SSH");
  std::vector<std::string> words{named != nullptr && *named != '\0' ? named : "ssh"};
  if (!address.port.empty()) words.insert(words.end(), {"-p", address.port});
  words.push_back(address.host);
  words.push_back(program + " __receive");
  return words;
}

}  // namespace

Result<SentImages> send_images(const EngineOptions& engine, const SendRequest& request) {
  auto address = TRY(parse_address(request.host));
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto images = TRY(archive::select_images(*store, request.images));
  auto to = TRY(make_pipe());
  auto from = TRY(make_pipe());
  ::signal(SIGPIPE, SIG_IGN);  // the other side may go at any time: a write then fails
  Command command;
  command.argv = ssh_words(address, request.program);
  command.stdin_fd = to.read.get();
  command.stdout_fd = from.write.get();
  auto ssh = TRY(Process::start(command).context("{}", command.argv[0]));
  to.read = UniqueFd();
  from.write = UniqueFd();
  std::stop_callback stop(engine.stop, [&ssh] { (void)ssh.kill(SIGTERM); });
  copy::Wire wire(from.read.get(), to.write.get(), engine.stop);
  auto progress = [&](DiffID, std::int64_t bytes) {
    if (request.progress) request.progress(bytes);
  };
  auto sent = copy::send_images(*store, images, wire, engine.stop, progress);
  if (engine.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
  to.write = UniqueFd();
  if (!sent && sent.error().message() != "unexpected EOF")
    return std::move(sent).context("{}", request.host).error();
  auto status = TRY(ssh.wait());
  if (!status.success() || !sent)
    return Error(ErrorCode::Unavailable,
                 fmt::format("{}: {} ended with status {} before all was there", request.host,
                             command.argv[0], status.shell_code()));
  return SentImages{std::move(sent->ids), sent->layers, sent->bytes};
}

Result<void> receive_images(const EngineOptions& engine, std::int64_t max_layer_size) {
  ::signal(SIGPIPE, SIG_IGN);
  copy::Wire wire(STDIN_FILENO, STDOUT_FILENO, engine.stop);
  auto store = Store::open(engine.root, Store::Access::Write);
  if (!store) {
    (void)wire.send('X', store.error().message());
    return std::move(store).error();
  }
  archive::LoadOptions options;
  options.lazy = engine.lazy;
  options.max_layer_size = max_layer_size;
  options.stop = engine.stop;
  return copy::receive_images(**store, wire, options);
}

}  // namespace strata

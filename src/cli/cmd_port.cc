#include "cli/commands.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_port {
namespace {

/// "80" is "80/tcp".
std::string with_protocol(const std::string& port) {
  auto slash = port.find('/');
  if (slash == std::string::npos) return port + "/tcp";
  return slash + 1 == port.size() ? port + "tcp" : port;
}

void print(Call& call, std::string_view before, const Json& addresses) {
  for (const auto& address : addresses.as_array())
    fmt::print(call.out, "{}{}:{}\n", before, address["HostIp"].as_string(),
               address["HostPort"].as_string());
}

Result<int> run(Call& call) {
  auto container = inspect_container(engine_options(call), call.args[0], /*size=*/false);
  if (!container) {
    auto error = std::move(container).error();
    error.add_context("Error");
    return error;
  }
  const auto& ports = (*container)["NetworkSettings"]["Ports"];
  if (call.args.size() == 1) {
    for (const auto& [port, addresses] : ports.as_object()) print(call, port + " -> ", addresses);
    return 0;
  }
  auto port = with_protocol(call.args[1]);
  const Json* addresses = ports.find(port);
  if (addresses == nullptr || addresses->is_null())
    return Error(ErrorCode::NotFound,
                 fmt::format("Error: No public port '{}' published for {}", port, call.args[0]));
  print(call, "", *addresses);
  return 0;
}

}  // namespace
}  // namespace cmd_port

Command port_command(std::string_view path) {
  return {.path = path,
          .operands = "CONTAINER [PRIVATE_PORT[/PROTO]]",
          .summary = "List port mappings or a specific mapping for the container",
          .description =
              "Shows the ports that a dockerd published for a container of its own. Strata runs "
              "containers with the host's network or none, where a port needs no mapping.",
          .arity = between(1, 2),
          .make = action<cmd_port::run>};
}

}  // namespace strata::cli

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "engine/registries.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_pull {
namespace {

struct Options {
  PullRequest request;
  bool quiet = false;
  bool untrusted = true;
};

void add_flags(FlagSet& f, Options& o) {
  auto& r = o.request;
  f.add(r.all_tags, "all-tags", 'a', "Download all tagged images in the repository");
  f.add(o.untrusted, "disable-content-trust", 0, "Skip image verification").hidden();
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        r.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0, "Refuse layers that are larger without compression");
  f.add(r.platform, "platform", 0, "Set platform if server is multi-platform capable");
  f.add(o.quiet, "quiet", 'q', "Suppress verbose output");
  add_tls_verify(f, r.access.tls_verify);
}

Result<int> run(Options& o, Call& call) {
  auto& request = o.request;
  request.reference = call.args[0];
  request.access = registry_access(call, request.access.tls_verify);
  auto tag = TRY(check_pull(request));
  auto pulled = run_transfer(
      {"pull", tag, o.quiet}, call,
      [&](const auto& engine, const auto& show) { return pull_images(engine, request, show); });
  if (pulled.signalled != 0) return pulled.signalled;
  if (!pulled.name) return from_daemon(std::move(pulled.name).error());
  fmt::print(call.out, "{}\n", *pulled.name);
  return 0;
}

}  // namespace
}  // namespace cmd_pull

Command pull_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] NAME[:TAG|@DIGEST]",
      .summary = "Pull an image or a repository from a registry",
      .description =
          "Downloads an image, several layers at once, and gives it its name. Layers that are "
          "there "
          "already are not downloaded; everything is verified before any of it can be seen. A pull "
          "that was interrupted goes on where it was.\n\n"
          "Rules about registries are docker's: credentials of ~/.docker/config.json (or podman's "
          "auth.json), certificates and mirrors of /etc/docker/certs.d/HOST (ca.crt, client.cert, "
          "client.key, hosts.toml) and ~/.config/docker/certs.d, insecure registries and mirrors "
          "of /etc/docker/daemon.json. A registry on this machine may speak plain HTTP.",
      .arity = exactly(1),
      .make = action<cmd_pull::Options, cmd_pull::add_flags, cmd_pull::run>,
      .large_heap = true};
}

}  // namespace strata::cli

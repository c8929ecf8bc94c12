#include <fmt/format.h>

#include <cmath>

#include "cli/binary_size.h"
#include "cli/commands.h"
#include "cli/go_template.h"
#include "cli/report.h"
#include "engine/system.h"
#include "image/json.h"
#include "image/platform.h"

namespace strata::cli {
namespace cmd_info {
namespace {

struct Options {
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 'f', "Format the output using the given Go template");
}

Json info_json(const SystemInfo& i) {
  return Json::object({
      {"ID", ""},
      {"Containers", i.containers},
      {"ContainersRunning", i.running},
      {"ContainersPaused", 0},
      {"ContainersStopped", i.containers - i.running},
      {"Images", i.images},
      {"Layers", i.layers},
      {"Driver", "overlay2"},
      {"DriverStatus", Json::array({Json::strings({"Backing Filesystem", i.filesystem}),
                                    Json::strings({"Native Overlay Diff", "true"})})},
      {"CgroupVersion", i.cgroup},
      {"KernelVersion", i.kernel},
      {"OperatingSystem", i.operating_system},
      {"OSType", "linux"},
      {"Architecture", i.architecture},
      {"NCPU", static_cast<std::int64_t>(i.cpus)},
      {"MemTotal", i.memory},
      {"DockerRootDir", i.root},
      {"Name", i.host},
      {"ServerVersion", STRATA_VERSION},
      {"DefaultRuntime", "crun"},
      {"RuntimeVersion", i.runtime},
      {"DockerdPid", i.dockerd ? Json(*i.dockerd) : Json()},
  });
}

std::string report(const SystemInfo& i) {
  std::string out = "Store:\n";
  out += fmt::format(" Root Dir: {}\n", i.root);
  out += fmt::format(" Storage Driver: overlay2 (dockerd's layout)\n  Backing Filesystem: {}\n",
                     i.filesystem);
  if (i.dockerd) out += fmt::format(" In use by dockerd: pid {} (Strata only reads)\n", *i.dockerd);
  out += fmt::format(" Containers: {}\n  Running: {}\n  Stopped: {}\n", i.containers, i.running,
                     i.containers - i.running);
  out += fmt::format(" Images: {}\n Layers: {}\n", i.images, i.layers);
  out += "Engine:\n";
  out += fmt::format(" Version: {}\n Runtime: {}\n Cgroup Version: {}\n", STRATA_VERSION,
                     i.runtime.empty() ? "crun is not installed" : i.runtime, i.cgroup);
  out += fmt::format(" Kernel Version: {}\n Operating System: {}\n OSType: linux\n", i.kernel,
                     i.operating_system);
  out += fmt::format(" Architecture: {}\n CPUs: {}\n Total Memory: {}\n Name: {}\n", i.architecture,
                     i.cpus, binary_size(static_cast<std::uint64_t>(i.memory)), i.host);
  return out;
}

Result<int> run(Options& o, Call& call) {
  auto info = TRY(system_info(engine_options(call)));
  std::string out;
  if (o.format.empty()) {
    out = report(info);
  } else if (o.format == "json") {
    out = info_json(info).dump() + "\n";
  } else {
    auto tmpl = GoTemplate::parse(o.format);
    if (!tmpl) return template_error(std::move(tmpl).error());
    TemplateOptions options;
    options.missing_key = MissingKey::Error;
    if (auto done = tmpl->execute(info_json(info), out, options); !done)
      return template_error(std::move(done).error());
    out += '\n';
  }
  std::fwrite(out.data(), 1, out.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_info

Command info_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS]",
          .summary = "Display information about the store and this machine",
          .arity = no_operands(),
          .make = action<cmd_info::Options, cmd_info::add_flags, cmd_info::run>};
}

}  // namespace strata::cli

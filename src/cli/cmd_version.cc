#include <fmt/format.h>
#include <sys/utsname.h>

#include "cli/commands.h"
#include "cli/go_template.h"
#include "image/json.h"
#include "image/platform.h"

namespace strata::cli {
namespace cmd_version {
namespace {

// What scripts that ask docker for its version may rely on.
constexpr const char* kApiVersion = "1.41";

struct Options {
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 'f', "Format the output using the given Go template");
}

/// Client and server are one program.
Json version_json(const Platform& host, const std::string& kernel) {
  Json client = Json::object({{"Version", STRATA_VERSION},
                              {"ApiVersion", kApiVersion},
                              {"Os", host.os},
                              {"Arch", host.architecture}});
  Json server = client;
  server.set("KernelVersion", kernel);
  return Json::object({{"Client", std::move(client)}, {"Server", std::move(server)}});
}

Result<int> run(Options& o, Call& call) {
  const auto& host = host_platform();
  struct utsname machine = {};
  ::uname(&machine);
  std::string out;
  if (o.format == "json") {
    out = version_json(host, machine.release).dump() + "\n";
  } else if (!o.format.empty()) {
    auto tmpl = GoTemplate::parse(o.format);
    if (!tmpl) return template_error(std::move(tmpl).error());
    TemplateOptions options;
    options.missing_key = MissingKey::Error;
    if (auto done = tmpl->execute(version_json(host, machine.release), out, options); !done)
      return template_error(std::move(done).error());
    out += '\n';
  } else {
    out = fmt::format(
        "Strata:\n Version:           {}\n API version:       {} (docker's command line)\n"
        " OS/Arch:           {}\n Kernel version:    {}\n",
        STRATA_VERSION, kApiVersion, host.str(), machine.release);
  }
  std::fwrite(out.data(), 1, out.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_version

Command version_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS]",
          .summary = "Show the version of Strata",
          .arity = no_operands(),
          .make = action<cmd_version::Options, cmd_version::add_flags, cmd_version::run>};
}

}  // namespace strata::cli

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "engine/manifests.h"

namespace strata::cli {
namespace cmd_manifest {
namespace {

/// --insecure, which docker's client wants for every registry without TLS.
RegistryAccess access_of(const Call& call, bool insecure) {
  return registry_access(call, insecure ? std::optional(false) : std::nullopt);
}

void add_insecure(FlagSet& f, bool& insecure, const char* usage) {
  f.add(insecure, "insecure", 0, usage);
}

constexpr const char* kCommunicate = "Allow communication with an insecure registry";

struct Inspect {
  bool insecure = false;
  bool verbose = false;
};

void add_inspect_flags(FlagSet& f, Inspect& o) {
  add_insecure(f, o.insecure, kCommunicate);
  f.add(o.verbose, "verbose", 'v', "Output additional info including layers and platform");
}

Result<int> run_inspect(Inspect& o, Call& call) {
  InspectManifestRequest request;
  request.name = call.args.back();
  if (call.args.size() == 2) request.list = call.args.front();
  request.verbose = o.verbose;
  request.access = access_of(call, o.insecure);
  fmt::print(call.out, "{}\n", TRY(inspect_manifest(engine_options(call), request)));
  return 0;
}

struct Create {
  bool insecure = false;
  bool amend = false;
};

void add_create_flags(FlagSet& f, Create& o) {
  f.add(o.amend, "amend", 'a', "Amend an existing manifest list");
  add_insecure(f, o.insecure, kCommunicate);
}

Result<int> run_create(Create& o, Call& call) {
  CreateListRequest request;
  request.list = call.args.front();
  request.manifests.assign(call.args.begin() + 1, call.args.end());
  request.amend = o.amend;
  request.access = access_of(call, o.insecure);
  fmt::print(call.out, "Created manifest list {}\n",
             TRY(create_manifest_list(engine_options(call), request)));
  return 0;
}

void add_annotate_flags(FlagSet& f, AnnotateListRequest& o) {
  f.add(o.architecture, "arch", 0, "Set architecture");
  f.add(o.os, "os", 0, "Set operating system");
  f.add_csv(o.os_features, "os-features", 0, "Set operating system feature");
  f.add(o.os_version, "os-version", 0, "Set operating system version");
  f.add(o.variant, "variant", 0, "Set architecture variant");
}

Result<int> run_annotate(AnnotateListRequest& o, Call& call) {
  o.list = call.args[0];
  o.manifest = call.args[1];
  o.access = access_of(call, false);
  TRY(annotate_manifest_list(o));
  return 0;
}

struct Push {
  bool insecure = false;
  bool purge = false;
};

void add_push_flags(FlagSet& f, Push& o) {
  add_insecure(f, o.insecure, "Allow push to an insecure registry");
  f.add(o.purge, "purge", 'p', "Remove the local manifest list after push");
}

Result<int> run_push(Push& o, Call& call) {
  PushListRequest request;
  request.list = call.args[0];
  request.purge = o.purge;
  request.access = access_of(call, o.insecure);
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  auto digest = push_manifest_list(engine, request, [&](std::string_view line) {
    fmt::print(call.out, "{}\n", line);
    std::fflush(call.out);
  });
  if (!digest && interrupt.exit_code() != 0) return interrupt.exit_code();
  fmt::print(call.out, "{}\n", TRY(std::move(digest)));
  return 0;
}

/// As docker: all lists that are there go, and one line tells of each that is not.
Result<int> run_rm(Call& call) {
  int code = 0;
  for (const auto& name : call.args) {
    auto removed = remove_manifest_list(name, access_of(call, false));
    if (removed) continue;
    fmt::print(call.err, "{}\n", removed.error().message());
    code = 1;
  }
  return code;
}

}  // namespace
}  // namespace cmd_manifest

Command manifest_inspect_command(std::string_view path) {
  using namespace cmd_manifest;
  return {.path = path,
          .operands = "[OPTIONS] [MANIFEST_LIST] MANIFEST",
          .summary = "Display an image manifest, or manifest list",
          .description =
              "Asks the registry, without pulling anything. A list that is being put together by "
              "manifest create is looked at first; with two operands, an image in it.",
          .arity = between(1, 2),
          .make = action<Inspect, add_inspect_flags, run_inspect>};
}

Command manifest_create_command(std::string_view path) {
  using namespace cmd_manifest;
  return {.path = path,
          .operands = "MANIFEST_LIST MANIFEST [MANIFEST...]",
          .summary = "Create a local manifest list for annotating and pushing to a registry",
          .description =
              "Notes images that registries have as parts of a list, with the platform that the "
              "config of each names. Lists stand in ~/.docker/manifests, where docker's client "
              "keeps its own: either goes on with what the other began.",
          .arity = at_least(2),
          .make = action<Create, add_create_flags, run_create>};
}

Command manifest_annotate_command(std::string_view path) {
  using namespace cmd_manifest;
  return {.path = path,
          .operands = "[OPTIONS] MANIFEST_LIST MANIFEST",
          .summary = "Add additional information to a local image manifest",
          .arity = exactly(2),
          .make = action<AnnotateListRequest, add_annotate_flags, run_annotate>};
}

Command manifest_push_command(std::string_view path) {
  using namespace cmd_manifest;
  return {.path = path,
          .operands = "[OPTIONS] MANIFEST_LIST",
          .summary = "Push a manifest list to a repository",
          .description =
              "Images of other repositories are brought along: mounted where the registry can, "
              "copied where it cannot. The list is an OCI index if all its images are OCI's.",
          .arity = exactly(1),
          .make = action<Push, add_push_flags, run_push>};
}

Command manifest_rm_command(std::string_view path) {
  return {.path = path,
          .operands = "MANIFEST_LIST [MANIFEST_LIST...]",
          .summary = "Delete one or more manifest lists from local storage",
          .arity = at_least(1),
          .make = action<cmd_manifest::run_rm>};
}

}  // namespace strata::cli

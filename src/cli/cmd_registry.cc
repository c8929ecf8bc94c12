#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/transfer_output.h"
#include "engine/registry_lists.h"
#include "image/json.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_registry {
namespace {

struct Common {
  std::optional<bool> tls_verify;
};

void add_common_flags(FlagSet& f, Common& o) { add_tls_verify(f, o.tls_verify); }

Result<int> run_tags(Common& o, Call& call) {
  auto access = registry_access(call, o.tls_verify);
  for (const auto& tag : TRY(list_tags(engine_options(call), call.args[0], access)))
    fmt::print(call.out, "{}\n", tag);
  return 0;
}

struct Referrers {
  std::optional<bool> tls_verify;
  std::string artifact_type;
  std::string format;
  bool quiet = false;
};

void add_referrers_flags(FlagSet& f, Referrers& o) {
  f.add(o.artifact_type, "artifact-type", 0, "Only what is of this type");
  f.add(o.format, "format", 0, "Pretty-print using a Go template");
  f.add(o.quiet, "quiet", 'q', "Only show digests");
  add_tls_verify(f, o.tls_verify);
}

constexpr TableField kReferrerFields[] = {
    {"Digest", "DIGEST"},
    {"ArtifactType", "ARTIFACT TYPE"},
    {"Size", "SIZE"},
    {"Annotations", "ANNOTATIONS"},
};

constexpr TableSpec kReferrerSpec = {
    .go_type = "*formatter.referrerContext",
    .default_format = "table {{.Digest}}\t{{.ArtifactType}}\t{{.Size}}",
    .quiet_format = "{{.Digest}}",
    .raw_format = "",
    .raw_quiet_format = "",
    .fields = kReferrerFields,
};

Json referrer_row(const ReferrerView& referrer) {
  std::string annotations;
  for (const auto& [key, value] : referrer.annotations)
    annotations += fmt::format("{}{}={}", annotations.empty() ? "" : ",", key, value);
  return Json::object({{"Digest", referrer.digest},
                       {"ArtifactType", referrer.artifact_type},
                       {"Size", human_size(referrer.size)},
                       {"Annotations", std::move(annotations)}});
}

Result<int> run_referrers(Referrers& o, Call& call) {
  auto table = TRY(Table::create(kReferrerSpec, o.format, o.quiet));
  auto access = registry_access(call, o.tls_verify);
  auto referrers = TRY(list_referrers(engine_options(call), call.args[0], o.artifact_type, access));
  for (const auto& referrer : referrers) TRY(table.add(referrer_row(referrer)));
  fmt::print(call.out, "{}", TRY(table.finish()));
  return 0;
}

Result<int> run_rm(Common& o, Call& call) {
  auto access = registry_access(call, o.tls_verify);
  int code = 0;
  for (const auto& name : call.args) {
    auto line = remove_from_registry(engine_options(call), name, access);
    fmt::print(line ? call.out : call.err, "{}\n", line ? *line : line.error().message());
    std::fflush(call.out);
    if (!line) code = 1;
  }
  return code;
}

}  // namespace
}  // namespace cmd_registry

Command registry_tags_command(std::string_view path) {
  using namespace cmd_registry;
  return {.path = path,
          .operands = "[OPTIONS] NAME",
          .summary = "List the tags of a repository of a registry",
          .arity = exactly(1),
          .make = action<Common, add_common_flags, run_tags>};
}

Command registry_referrers_command(std::string_view path) {
  using namespace cmd_registry;
  return {.path = path,
          .operands = "[OPTIONS] NAME[:TAG|@DIGEST]",
          .summary = "List what refers to an image of a registry: signatures, SBOMs, attestations",
          .description =
              "Asks the registry's referrers API or, where there is none, reads the index under "
              "the tag sha256-HEX that stands in for it. What is listed can be fetched by its "
              "digest: strata copy docker://NAME@DIGEST oci:DIR.",
          .arity = exactly(1),
          .make = action<Referrers, add_referrers_flags, run_referrers>};
}

Command registry_rm_command(std::string_view path) {
  using namespace cmd_registry;
  return {.path = path,
          .operands = "[OPTIONS] NAME:TAG|NAME@DIGEST [NAME...]",
          .summary = "Remove tags and manifests from a registry",
          .description =
              "A tag goes alone, where the registry can do that; by its digest a manifest goes "
              "with all of its tags. Blobs go when the registry collects what nothing names.",
          .arity = at_least(1),
          .make = action<Common, add_common_flags, run_rm>};
}

}  // namespace strata::cli

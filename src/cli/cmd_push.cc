#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/transfer_output.h"
#include "engine/registries.h"

namespace strata::cli {
namespace cmd_push {
namespace {

struct Options {
  PushRequest request;
  std::string format;
  bool quiet = false;
  bool untrusted = true;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all_tags, "all-tags", 'a', "Push all tagged images in the repository");
  f.add(o.untrusted, "disable-content-trust", 0, "Skip image signing").hidden();
  f.add(o.request.form.compression, "compression", 0,
        "How layers are packed that no registry is known to have: gzip, zstd or uncompressed")
      .default_text("gzip");
  f.add(o.request.form.force_compression, "force-compression", 0,
        "Pack also those that a registry has in another form");
  f.add(o.format, "format", 0,
        "Form of the manifest: docker or oci (default: as it was pulled, else docker)");
  f.add(o.quiet, "quiet", 'q', "Suppress verbose output");
  add_tls_verify(f, o.request.access.tls_verify);
}

Result<int> run(Options& o, Call& call) {
  if (!o.format.empty() && o.format != "docker" && o.format != "oci")
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("unknown format \"{}\": must be docker or oci", o.format));
  auto& request = o.request;
  if (!o.format.empty()) request.form.oci = o.format == "oci";
  TRY(check_push_form(request.form));
  request.reference = call.args[0];
  request.access = registry_access(call, request.access.tls_verify);
  auto tag = TRY(check_push(request));
  auto pushed = run_transfer(
      {"push", tag, o.quiet}, call,
      [&](const auto& engine, const auto& show) { return push_images(engine, request, show); });
  if (pushed.signalled != 0) return pushed.signalled;
  // docker learns of errors only from the stream of progress, and shows them bare.
  auto name = TRY(std::move(pushed.name));
  if (o.quiet) fmt::print(call.out, "{}\n", name);
  return 0;
}

}  // namespace
}  // namespace cmd_push

Command push_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] NAME[:TAG]",
      .summary = "Push an image or a repository to a registry",
      .description =
          "Uploads the layers that the registry does not have, several at once, then the image. "
          "Layers that another repository of the registry has are mounted from there. The same "
          "layer always gives the same blob, and an image that was pulled keeps its digest if "
          "its blobs are still kept (`system df` shows them; $STRATA_KEEP_BLOBS says how many "
          "bytes, \"0\" none; `builder prune` removes them).\n\nCredentials and rules about "
          "registries are those "
          "of pull.",
      .arity = exactly(1),
      .make = action<cmd_push::Options, cmd_push::add_flags, cmd_push::run>,
      .large_heap = true};
}

}  // namespace strata::cli

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "engine/image_copy.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_copy {
namespace {

struct Options {
  CopyImageRequest request;
  std::optional<bool> tls_verify;
  bool quiet = false;
};

void add_flags(FlagSet& f, Options& o) {
  auto& r = o.request;
  f.add(r.all, "all", 'a', "Copy all images of a multi-platform index");
  f.add(r.to.tls_verify, "dest-tls-verify", 0, "As --tls-verify, of the destination alone")
      .type("");
  f.add(r.format, "format", 0, "Form of the manifests at the destination: docker or oci")
      .default_text("as they are");
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        r.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0,
      "Refuse layers that are larger without compression, into the local store");
  f.add(r.platform, "platform", 0, "Of a multi-platform index, copy the image for this platform");
  f.add(r.preserve_digests, "preserve-digests", 0, "Fail if a manifest would have to be changed");
  f.add(o.quiet, "quiet", 'q', "Only print the digest or the ID");
  f.add(r.from.tls_verify, "src-tls-verify", 0, "As --tls-verify, of the source alone").type("");
  add_tls_verify(f, o.tls_verify);
}

Result<int> run(Options& o, Call& call) {
  auto& r = o.request;
  if (!r.format.empty() && r.format != "docker" && r.format != "oci")
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("unknown format \"{}\": must be docker or oci", r.format));
  if (r.all && !r.platform.empty())
    return Error(ErrorCode::InvalidArgument, "--all and --platform are mutually exclusive");
  r.source = call.args[0];
  r.destination = call.args[1];
  for (auto* access : {&r.from, &r.to})
    *access = registry_access(call, access->tls_verify ? access->tls_verify : o.tls_verify);
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  TransferOutput output(call.out);
  auto copied = copy_image(engine, r, o.quiet ? TransferEvents() : output.events());
  if (!copied && interrupt.exit_code() != 0) {
    fmt::print(call.err, "copy cancelled\n");
    return interrupt.exit_code();
  }
  auto done = TRY(std::move(copied));
  const char* label = o.quiet ? "" : done.is_image_id ? "Image ID: " : "Digest: ";
  fmt::print(call.out, "{}{}\n", label, done.digest.str());
  return 0;
}

}  // namespace
}  // namespace cmd_copy

Command copy_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] SOURCE DESTINATION",
      .summary = "Copy an image between registries, OCI layouts and archives",
      .description =
          "Each side is one of\n\n"
          "docker://NAME[:TAG|@DIGEST] (or registry:NAME), a repository of a registry;\n\n"
          "oci:DIR[:TAG], an OCI layout in a directory;\n\n"
          "oci-archive:FILE[:TAG], the same in a tar;\n\n"
          "docker-archive:FILE[:NAME[:TAG]], as docker save wrote it before docker 25;\n\n"
          "strata:IMAGE, the local store.\n\n"
          "Blobs are not kept on the way: they pass from one side to the other, several at once, "
          "and each is compared with its digest and its size. What the destination has is not "
          "sent; what another repository of the same registry has is mounted from there. "
          "Manifests keep their digests, unless --format asks for another form. From the local "
          "store and from docker's archives layers are compressed on the way.\n\nOf a "
          "multi-platform index the image for this machine or for --platform is copied, with "
          "--all the index with all its images.\n\nThe last line says what is at the "
          "destination: a digest, or the ID of an image where it has no manifest.",
      .arity = exactly(2),
      .make = action<cmd_copy::Options, cmd_copy::add_flags, cmd_copy::run>,
      .large_heap = true};
}

}  // namespace strata::cli

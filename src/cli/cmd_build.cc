#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "base/io.h"
#include "cli/build_calls.h"
#include "cli/build_display.h"
#include "cli/build_outputs.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "engine/build.h"
#include "image/reference.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_build {
namespace {

struct Options {
  BuildImageRequest request;
  std::vector<std::string> build_args;
  std::vector<std::string> labels;
  std::string iidfile;
  std::string metadata_file;
  bool quiet = false;
  BuildProgress progress = BuildProgress::Auto;
  bool compress = false;
  bool push = false;
  bool load = false;
  bool content_trust = true;
  std::optional<bool> tls_verify;
  std::vector<std::string> security_options;
  std::string cgroup_parent;
  std::string isolation;
  BuildCall build_call;
  bool check = false;
};

Result<void> check_build_arg(std::string_view text) {
  if (text.empty() || text[0] == '=')
    return Error(ErrorCode::InvalidArgument, fmt::format("invalid environment variable: {}", text));
  return {};
}

void add_flags(FlagSet& f, Options& o) {
  auto& r = o.request;
  f.add(r.extra_hosts, "add-host", 0, "Add a custom host-to-IP mapping (host:ip)");
  f.add(r.allow, "allow", 0, "Allow extra privileges (security.insecure)").type("stringArray");
  f.add(r.allow_whiteouts, "allow-whiteouts", 0,
        "Let .wh. names in archives of ADD delete files, as docker does");
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        TRY(check_build_arg(text));
        o.build_args.emplace_back(text);
        return {};
      },
      "list", "build-arg", 0, "Set build-time variables");
  f.add(r.build_contexts, "build-context", 0,
        "Additional build contexts (name=path, URL, docker-image://image or oci-layout://path)")
      .type("stringArray");
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        o.build_call = TRY(parse_build_call(text));
        return {};
      },
      "string", "call", 0,
      "What to do: build, or without building check, outline or targets[,format=json]");
  f.add(o.check, "check", 0,
        "Look for likely mistakes in the Dockerfile; the same as --call=check");
  f.add(r.cache_from, "cache-from", 0,
        "Images to consider as cache sources, or a shared cache: type=registry,ref=NAME or "
        "type=local,src=DIRECTORY")
      .type("stringArray");
  f.add(r.cache_to, "cache-to", 0,
        "Where the results of steps are kept for other builds: type=registry,ref=NAME, "
        "type=local,dest=DIRECTORY (both with mode=min or max) or type=inline")
      .type("stringArray");
  f.add(r.check_repro, "check-repro", 0,
        "Build twice, the second time without the cache; fail and name the files that differ");
  f.add(o.cgroup_parent, "cgroup-parent", 0, "Optional parent cgroup for the container").hidden();
  f.add(o.compress, "compress", 0, "Compress the build context (never sent anywhere)").hidden();
  f.add(r.cpu_period, "cpu-period", 0, "Limit the CPU CFS (Completely Fair Scheduler) period");
  f.add(r.cpu_quota, "cpu-quota", 0, "Limit the CPU CFS (Completely Fair Scheduler) quota");
  f.add(r.cpu_shares, "cpu-shares", 'c', "CPU shares (relative weight)");
  f.add(r.cpuset_cpus, "cpuset-cpus", 0, "CPUs in which to allow execution (0-3, 0,1)");
  f.add(r.cpuset_mems, "cpuset-mems", 0, "MEMs in which to allow execution (0-3, 0,1)");
  f.add(o.content_trust, "disable-content-trust", 0, "Skip image verification").hidden();
  f.add(o.load, "load", 0, "Shorthand for \"--output=type=docker\"");
  f.add(r.explain_cache, "explain-cache", 0,
        "Say for each step that is not cached which input has changed");
  f.add(r.dockerfile, "file", 'f', "Name of the Dockerfile (Default is 'PATH/Dockerfile')");
  f.add(r.force_remove, "force-rm", 0, "Always remove intermediate containers");
  f.add(o.iidfile, "iidfile", 0, "Write the image ID to the file");
  f.add(o.isolation, "isolation", 0, "Container isolation technology").hidden();
  f.add(o.labels, "label", 0, "Set metadata for an image");
  f.add(o.metadata_file, "metadata-file", 0, "Write build result metadata to a file");
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        r.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0, "Refuse archives of ADD that are larger without compression");
  f.add(r.memory, "memory", 'm', "Memory limit").type("bytes");
  f.add(r.memory_swap, "memory-swap", 0,
        "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
      .type("bytes");
  f.add(r.network, "network", 0,
        "Set the networking mode for the RUN instructions during build: host or none; "
        "\"default\" is host");
  f.add(r.no_cache, "no-cache", 0, "Do not use cache when building the image");
  f.add(r.no_cache_filter, "no-cache-filter", 0, "Do not cache specified stages")
      .type("stringArray");
  f.add_value(
       [&o](std::string_view text) -> Result<void> {
         o.progress = TRY(parse_build_progress(text));
         return {};
       },
       "string", "progress", 0,
       "Form of the output: auto (tty on a terminal, else classic), classic, plain, rawjson or tty")
      .default_text("auto");
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        r.outputs.push_back(TRY(parse_build_output(text)));
        return {};
      },
      "stringArray", "output", 'o',
      "Output destination (format: type=local,dest=path): local, tar, docker, oci, image or "
      "registry");
  f.add_value(
       [&r](std::string_view text) -> Result<void> {
         if (text != "shell" && text != "stop")
           return Error(ErrorCode::InvalidArgument, "must be \"stop\" or \"shell\"");
         r.shell_on_failure = text == "shell";
         return {};
       },
       "string", "on-failure", 0,
       "When a RUN fails: stop, or open a shell in the file system that it has left (shell)")
      .default_text("stop");
  f.add(r.platform, "platform", 0, "Set platform if server is multi-platform capable");
  f.add(r.pull, "pull", 0, "Always attempt to pull a newer version of the image");
  f.add(o.push, "push", 0, "Shorthand for \"--output=type=registry\"");
  f.add(o.quiet, "quiet", 'q', "Suppress the build output and print image ID on success");
  f.add(r.remove, "rm", 0, "Remove intermediate containers after a successful build");
  f.add(r.reproducible, "reproducible", 0,
        "Make the image a function of its inputs: 1970 is the time of all that is made, unless "
        "SOURCE_DATE_EPOCH says another");
  f.add(r.runtime, "runtime", 0, "OCI runtime for the RUN instructions: crun or runc")
      .default_text("crun");
  f.add(r.secrets, "secret", 0,
        "Secret for RUN --mount=type=secret (id=mysecret[,src=/local/file|,env=VARIABLE])")
      .type("stringArray");
  f.add(o.security_options, "security-opt", 0, "Security options").hidden();
  f.add(r.shm_size, "shm-size", 0, "Size of /dev/shm").type("bytes");
  f.add(r.ssh, "ssh", 0, "SSH agent for RUN --mount=type=ssh (default|<id>[=<socket>])")
      .type("stringArray");
  f.add(r.squash, "squash", 0, "Squash newly built layers into a single new layer");
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        TRY(Reference::parse_normalized(text));
        r.tags.emplace_back(text);
        return {};
      },
      "list", "tag", 't', "Name and optionally a tag in the 'name:tag' format");
  f.add(r.target, "target", 0, "Set the target build stage to build.");
  add_tls_verify(f, o.tls_verify);
  f.add(r.ulimits, "ulimit", 0, "Ulimit options").type("ulimit");
}

/// "NAME=value"; "NAME" alone takes the value of this process's environment, if there is one.
void take_build_args(Options& o) {
  for (const auto& text : o.build_args) {
    auto equals = text.find('=');
    std::optional<std::string> value;
    if (equals != std::string::npos)
      value = text.substr(equals + 1);
    else if (const char* own = std::getenv(text.c_str()))
      value = own;
    o.request.build_args[text.substr(0, equals)] = std::move(value);
  }
  // As buildx does: what a script has set for its other tools counts for images too.
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"))
    o.request.build_args.try_emplace("SOURCE_DATE_EPOCH", epoch);
  for (const auto& text : o.labels) {
    auto equals = text.find('=');
    o.request.labels[text.substr(0, equals)] =
        equals == std::string::npos ? "" : text.substr(equals + 1);
  }
}

Result<void> refuse_unsupported(const Options& o) {
  auto refuse = [](std::string_view flag) {
    return Error(ErrorCode::Unsupported, fmt::format("--{} is not supported", flag));
  };
  if (!o.security_options.empty()) return refuse("security-opt");
  if (!o.isolation.empty()) return refuse("isolation");
  if (!o.cgroup_parent.empty()) return refuse("cgroup-parent");
  return {};
}

Result<int> run(Options& o, Call& call) {
  TRY(refuse_unsupported(o));
  take_build_args(o);
  o.request.context = call.args[0];
  o.request.registries = {call.globals.config, o.tls_verify};
  if (o.check) o.build_call.method = "check";
  if (o.build_call.method != "build")
    return run_build_call(o.build_call, engine_options(call), o.request, call);
  if (!o.iidfile.empty() && ::unlink(o.iidfile.c_str()) < 0 && errno != ENOENT)
    return Error::from_errno(errno, "removing image ID file: remove " + o.iidfile);

  add_push_and_load(o.request.outputs, o.push, o.load);
  BuildFiles files;
  TRY(files.open(o.request.outputs));
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  BuildDisplay display(
      call, {.progress = o.progress, .quiet = o.quiet, .stdout_taken = files.to_stdout()});
  auto result = build_image(engine, o.request, std::ref(display));
  display.finish(result);
  if (result.failure)
    return interrupt.exit_code() != 0 ? interrupt.exit_code() : result.failure->exit_code;
  TRY(files.finish());
  if (!o.metadata_file.empty())
    TRY(write_file_atomic(AT_FDCWD, o.metadata_file, build_metadata(result), 0644));
  if (!o.iidfile.empty()) TRY(write_file_atomic(AT_FDCWD, o.iidfile, result.id->str(), 0644));
  return 0;
}

}  // namespace
}  // namespace cmd_build

Command build_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] PATH | URL | -",
      .summary = "Build an image from a Dockerfile",
      .description =
          "Builds an image step by step, as docker's classic builder does: every instruction of "
          "the Dockerfile becomes an image with the one before as its parent, and is taken from "
          "the cache if such a child exists already.\n\n"
          "The context is a directory, read in place; or a Dockerfile or a tar archive (plain, "
          "gzip, "
          "bzip2, xz or zstd) that comes on standard input (\"-\") or from an http(s) URL; or a "
          "git "
          "repository (https://host/repository.git, git://, ssh://, git@host:path), of which "
          "\"#ref:directory\" takes a branch, tag or commit and a directory, and so does "
          "\"?ref=...&subdir=...\" (also branch, tag, commit, submodules=false, "
          "keep-git-dir=true). The secrets GIT_AUTH_TOKEN and GIT_AUTH_HEADER, each also with "
          "\".HOST\" behind it, let a fetch over http(s) in. git itself must be installed.\n\n"
          "SOURCE_DATE_EPOCH (seconds since 1970; in the environment, as --build-arg, or as ARG "
          "before the first FROM) is the time that the image and its new files get. The same "
          "Dockerfile and context then give the same image ID everywhere, if what RUN does is the "
          "same everywhere.\n\n"
          "The exit status is that of a RUN instruction that failed, 1 for any other failure, "
          "125 for a command line that cannot be read.",
      .arity = exactly(1),
      .make = action<cmd_build::Options, cmd_build::add_flags, cmd_build::run>,
      .large_heap = true};
}

}  // namespace strata::cli

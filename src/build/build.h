#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "build/context.h"
#include "build/download.h"
#include "build/step_cache.h"
#include "digest/digest.h"
#include "image/reference.h"
#include "progress/event.h"
#include "runtime/bundle.h"
#include "runtime/cgroup.h"
#include "store/store.h"
#include "store/write_behind.h"

namespace strata::build {

/// How RUN starts its containers.
struct RunOptions {
  std::string runtime = "crun";  // or runc
  NetworkMode network = NetworkMode::Host;
  std::vector<std::string> extra_hosts;            // "name:ip"
  std::int64_t shm_size = std::int64_t{64} << 20;  // bytes
  std::vector<Ulimit> ulimits;
  ResourceLimits limits;
};

/// What --secret gave: a file, which is read when a RUN asks for it, or a value.
struct SecretSource {
  std::string file;
  std::optional<std::string> value;
};

/// Everything that `docker build` can say.
struct BuildRequest {
  ContextRequest context;
  std::map<std::string, std::optional<std::string>> build_args;  // no value: given but not set
  std::map<std::string, std::string> named_contexts;  // --build-context, see named_context.h
  std::map<std::string, std::string> labels;          // one LABEL step each, at the end
  std::string target;
  bool no_cache = false;
  std::vector<std::string> no_cache_stages;  // --no-cache-filter: names, or numbers
  /// --cache-from: images whose steps count as cached, although their parents are not recorded
  /// here. Those that are not there are passed over.
  std::vector<std::string> cache_from;
  /// --on-failure=shell: after a RUN that failed, its shell is opened on this process's standard
  /// streams, in the file system that the step has left; the build ends when it does.
  bool shell_on_failure = false;
  /// Brings an image that the store lacks from its registry and tells `output` how that goes; the
  /// store is asked again afterwards. Empty: there is nowhere to ask. One call at a time.
  using FetchImage = std::function<Result<void>(
      const std::string& name, const std::string& platform,
      const std::function<void(std::string_view)>& output, const std::stop_token& stop)>;
  FetchImage fetch_image;
  /// Looks elsewhere for the result of a step that the store does not know, by StepCache::key(),
  /// and brings its layer into the store, on top of `parent`. Whatever goes wrong is the callee's
  /// to tell: there is nothing then. Any thread. Empty: there is nowhere to look.
  struct FoundStep {
    std::optional<DiffID> layer;  // none: it changed nothing
  };
  using FindStep = std::function<std::optional<FoundStep>(
      const std::string& key, const std::optional<ChainID>& parent, const std::stop_token& stop)>;
  FindStep find_step;
  bool record_steps = false;  // for BuildOutcome::steps
  /// The triggers (ONBUILD) of an image that the store lacks, without bringing it; none if that
  /// cannot be found out. The plan of a build of several stages needs them. May be empty.
  using FindTriggers = std::function<std::vector<std::string>(
      const std::string& name, const std::string& platform, const std::stop_token& stop)>;
  FindTriggers find_triggers;
  bool pull = false;                // --pull: base images are fetched although they are there
  bool explain_cache = false;       // a line for each step that was not cached: what has changed
  bool remove = true;               // --rm: say that the step's container is removed
  bool force_remove = false;        // --force-rm: also after a failed RUN
  std::int64_t max_layer_size = 0;  // bytes of an archive of ADD, unpacked; 0: any
  bool allow_whiteouts = false;     // ".wh.x" in an archive of ADD deletes x, else it is an error
  WriteBehind* behind = nullptr;    // borrowed; told of what COPY and ADD write
  RunOptions run;
  std::map<std::string, SecretSource> secrets;  // by id
  std::map<std::string, std::string> agents;    // --ssh: sockets of agents, by id
  bool allow_insecure = false;                  // --allow security.insecure
  /// --reproducible: SOURCE_DATE_EPOCH is 0, unless a build argument or a global ARG says it.
  bool reproducible = false;
  /// --check-repro: builds a second time, without the cache, and fails if the images differ; all
  /// differences are told first.
  bool check_repro = false;
};

/// Where the instruction stands that failed.
struct FailedStep {
  std::string file;    // the Dockerfile, as the user named it
  int line = 0;        // its first physical line
  std::string source;  // its physical lines
};

/// A failed RUN carries its exit code, which becomes that of the command.
struct BuildFailure {
  Error error;
  int exit_code = 1;
  bool before_first_step = false;  // docker's client then says "Error response from daemon: "
  std::optional<FailedStep> step = {};
};

struct BuildOutcome {
  std::optional<ImageID> id;  // the image, unless the build failed
  std::optional<BuildFailure> failure;
  std::optional<ImageID> base;  // what the last stage stands on; none: scratch
  /// With record_steps: all that have results of their own (COPY, ADD, WORKDIR, RUN), whether they
  /// were run or found, those of all stages.
  std::vector<StepRecord> steps = {};
};

/// Builds an image from a Dockerfile: parse, plan, then step by step, each step an image with the
/// one before as parent, as docker's classic builder does (its output, its cache, its history).
/// Nothing is tagged and nothing synced: the caller does that. A failed or cancelled build leaves
/// only whole intermediate images, which the next build finds in the cache.
/// `report` is told everything from the context to the image, not the end.
BuildOutcome build(const Store& store, const BuildRequest& request, progress::Report& report,
                   std::stop_token stop);

}  // namespace strata::build

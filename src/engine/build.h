#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"
#include "engine/build_output.h"
#include "engine/events.h"
#include "engine/registries.h"
#include "progress/event.h"

namespace strata {

/// `build`, as the command line says it.
struct BuildImageRequest {
  std::string context;     // a directory, or "-" for standard input
  std::string dockerfile;  // -f; empty: the default
  std::vector<std::string> tags;
  std::map<std::string, std::optional<std::string>> build_args;
  std::vector<std::string> build_contexts;  // "name=directory", "name=docker-image://x", ...
  std::map<std::string, std::string> labels;
  std::string target;
  bool no_cache = false;
  bool squash = false;                       // the layers above the base become one
  bool shell_on_failure = false;             // a shell in the file system of a RUN that failed
  std::vector<BuildOutput> outputs;          // none: the image gets its names in the store
  std::vector<std::string> no_cache_filter;  // stages
  std::vector<std::string> cache_from;       // images, or "type=registry,ref=x", "type=local,src=x"
  std::vector<std::string> cache_to;         // "type=registry,ref=x,mode=max", ...
  bool pull = false;                         // base images are pulled although they are there
  RegistryAccess registries;
  std::string platform;        // of base images that are pulled; empty: the host's
  bool explain_cache = false;  // says for each step that misses what has changed
  bool remove = true;
  bool force_remove = false;
  std::int64_t max_layer_size = 0;       // bytes of an archive of ADD, unpacked; 0: any
  bool allow_whiteouts = false;          // ".wh.x" in an archive of ADD deletes x
  std::string network;                   // "", "default", "host" or "none"
  std::string runtime;                   // "crun" or "runc"
  std::vector<std::string> extra_hosts;  // "name:ip"
  std::string shm_size;                  // "64m"; empty: docker's default
  std::string memory;                    // "512m"; empty: no limit
  std::string memory_swap;
  std::int64_t cpu_shares = 0;  // 0: no limit; likewise below
  std::int64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::vector<std::string> ulimits;  // "nofile=1024:2048"
  std::vector<std::string> secrets;  // "id=x,src=FILE", "id=x,env=VAR"
  std::vector<std::string> ssh;      // "default", "id=SOCKET"
  std::vector<std::string> allow;    // "security.insecure", "network.host"
  bool reproducible = false;         // SOURCE_DATE_EPOCH is 0 unless it is given
  bool check_repro = false;          // builds twice, fails if the images differ
};

/// Where an instruction stands that failed.
struct FailedInstruction {
  std::string file;    // the Dockerfile, as the user named it
  int line = 0;        // its first physical line
  std::string source;  // its physical lines
};

struct BuildImageFailure {
  Error error;
  int exit_code = 1;
  bool from_daemon = false;  // docker's client puts "Error response from daemon: " before it
  std::optional<FailedInstruction> instruction = {};
};

/// The document that stands for an image in an archive.
struct BuiltManifest {
  std::string digest;
  std::int64_t size = 0;  // bytes
  std::string media_type;
};

struct BuildImageResult {
  std::optional<ImageID> id;
  std::optional<BuildImageFailure> failure;
  std::vector<std::string> names = {};  // that the image has got, in full
  /// The manifest that was pushed or stands in the archives that were written, if any were.
  std::optional<BuiltManifest> manifest = {};
  std::string log = {};  // the file that has the whole output; empty: there is none
};

/// Builds, writes the outputs, and tags if no output is asked for or one is the image. What is told
/// before the tags is durable when a tag names it. `sink` is told everything that happens, from
/// whatever thread, one call at a time; the last is progress::Ended.
BuildImageResult build_image(const EngineOptions& engine, const BuildImageRequest& request,
                             const progress::Sink& sink);

}  // namespace strata

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"
#include "engine/events.h"
#include "engine/registries.h"

namespace strata {

/// `build`, as the command line says it.
struct BuildImageRequest {
  std::string context;     // a directory, or "-" for standard input
  std::string dockerfile;  // -f; empty: the default
  std::vector<std::string> tags;
  std::map<std::string, std::optional<std::string>> build_args;
  std::map<std::string, std::string> labels;
  std::string target;
  bool no_cache = false;
  std::vector<std::string> no_cache_filter;  // stages
  std::vector<std::string> cache_from;       // images
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
};

/// How far the download of an ADD or of a context is.
struct BuildDownload {
  std::string_view url;
  bool of_context = false;
  std::int64_t bytes = 0;                  // that have come
  std::optional<std::int64_t> total = {};  // if the server said it
  bool last = false;                       // the end was seen by itself, behind the last byte
};

struct BuildImageEvents {
  std::function<void(std::int64_t bytes)> context;
  std::function<void(std::string_view text)> output;
  std::function<void(std::int64_t bytes)> copied;  // content of a COPY or ADD so far; may be empty
  /// What of a download shall be printed, in its place in the output. May be empty.
  std::function<std::string(const BuildDownload&)> download_text;
};

struct BuildImageFailure {
  Error error;
  int exit_code = 1;
  bool from_daemon = false;  // docker's client puts "Error response from daemon: " before it
};

struct BuildImageResult {
  std::optional<ImageID> id;
  std::optional<BuildImageFailure> failure;
};

/// Builds and tags. What is printed before the tags is durable when a tag names it.
BuildImageResult build_image(const EngineOptions& engine, const BuildImageRequest& request,
                             const BuildImageEvents& events);

}  // namespace strata

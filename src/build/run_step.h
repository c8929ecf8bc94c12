#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/temp_dir.h"
#include "build/agent_relay.h"
#include "build/stage.h"
#include "dockerfile/mount.h"
#include "store/cache_mount.h"

namespace strata::build {

/// One --mount of a RUN, with everything that its text leads to.
struct Stage::RunMount {
  dockerfile::Mount spec;
  std::string target;                // absolute; "" for a secret that is a variable alone
  ImageRoot* image = nullptr;        // the stage or image of `from`
  NamedContext* context = nullptr;   // or what --build-context has for it
  std::optional<SourceFile> source;  // of bind, and of a cache that is filled from somewhere
  int agent = 0;                     // of ssh: its number in this RUN
};

/// The context that a mount takes files from.
struct Stage::ContextFiles {
  SourceTree& tree;
  Tarsums& sums;
};

/// A RUN with everything expanded.
struct Stage::RunStep {
  RunConfig config;               // Cmd also holds what else decides about the result
  std::vector<std::string> argv;  // what is run
  std::vector<RunMount> mounts;
  NetworkMode network = NetworkMode::Host;
  bool privileged = false;
  std::string script;       // a here-document that is a program; "" if there is none
  std::string script_path;  // where the container sees it
};

/// What the container of one RUN needs; all of it is gone when the step is.
struct Stage::RunSandbox {
  struct Attached {
    UniqueFd mount;
    std::string path;
  };

  std::string id;
  std::shared_ptr<CacheDir> init;   // mount points below what it writes
  std::shared_ptr<CacheDir> upper;  // what it writes
  UniqueFd mount;
  std::string merged;             // absolute directory where `mount` is attached
  std::optional<TempDir> bundle;  // config.json, hosts, hostname, resolv.conf
  std::string bundle_path;

  // Of --mount, see step_mounts.cc.
  std::vector<std::shared_ptr<CacheDir>> thrown_away;  // uppers of writable bind mounts
  std::vector<Attached> attached;                      // below the bundle
  UniqueFd secrets;                                    // a tmpfs
  std::string secrets_path;
  std::vector<CacheMount> caches;
  std::vector<AgentRelay> relays;
  std::vector<MountSpec> mounts;
  std::vector<std::pair<std::string, std::string>> env;
};

}  // namespace strata::build

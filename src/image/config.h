#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "digest/digest.h"
#include "image/json.h"

namespace strata {

/// How to find out whether a container is well. Zero and empty mean: as the base image says.
struct HealthConfig {
  std::vector<std::string> test;  // {"NONE"}, {"CMD", program, arguments...}, {"CMD-SHELL", text}
  std::int64_t interval_ns = 0;
  std::int64_t timeout_ns = 0;
  std::int64_t start_period_ns = 0;
  std::int64_t start_interval_ns = 0;  // docker 25 and later
  std::int64_t retries = 0;

  bool operator==(const HealthConfig&) const = default;
};

/// What a container is started with: docker's container.Config, the `config` of an image, the
/// `Config` of a container. Members are optional where docker writes "absent" and "empty"
/// differently (null against [] or {}); members that are left out when empty are plain.
struct RunConfig {
  std::string hostname;
  std::string domainname;
  std::string user;
  bool attach_stdin = false;
  bool attach_stdout = false;
  bool attach_stderr = false;
  std::set<std::string> exposed_ports;  // "80/tcp"
  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;
  std::optional<std::vector<std::string>> env;  // "NAME=value"
  std::optional<std::vector<std::string>> cmd;
  std::optional<HealthConfig> healthcheck;
  bool args_escaped = false;
  std::string image;                             // image name, or ID of the step before in a build
  std::optional<std::set<std::string>> volumes;  // paths
  std::string working_dir;
  std::optional<std::vector<std::string>> entrypoint;
  bool network_disabled = false;
  std::string mac_address;
  std::optional<std::vector<std::string>> on_build;
  std::optional<std::map<std::string, std::string>> labels;
  std::string stop_signal;
  std::optional<std::int64_t> stop_timeout;  // seconds
  std::vector<std::string> shell;

  bool operator==(const RunConfig&) const = default;
};

/// One step of an image's history. A step without `empty_layer` owns the next DiffID.
struct HistoryEntry {
  Time created = kZeroTime;
  std::string author;
  std::string created_by;
  std::string comment;
  bool empty_layer = false;

  bool operator==(const HistoryEntry&) const = default;
};

/// An image config: the JSON whose sha256 is the ImageID. Foreign configs are kept as bytes and
/// only read through this type; encode_image_config() is for images that Strata makes.
/// Format: docs/store.md, sections 1.2 to 1.4; OCI image-spec, config.md.
struct ImageConfig {
  std::string architecture;
  std::string author;
  std::string comment;
  RunConfig config;
  std::string container;  // full ID of the container that was committed
  /// dockerd always writes it, so it is there unless reset; absent in OCI and BuildKit configs.
  std::optional<RunConfig> container_config = RunConfig();
  Time created = kZeroTime;
  std::string docker_version;
  std::vector<HistoryEntry> history;
  std::string os;
  std::vector<std::string> os_features;
  std::string os_version;
  std::vector<DiffID> diff_ids;  // bottom first
  std::string variant;

  bool operator==(const ImageConfig&) const = default;
};

/// Reads docker's and OCI's shape as tolerantly as dockerd: keys without regard to case, of
/// duplicates the last wins (objects and maps are merged), unknown keys and nulls are ignored.
/// Corrupt: not JSON, a value of the wrong type, no `rootfs`, a DiffID that is not sha256, more
/// history entries that own a layer than `diff_ids`. The message names the key.
Result<ImageConfig> parse_image_config(std::string_view bytes);

/// Byte for byte what dockerd 20.10 writes for commit, import and the classic builder.
std::string encode_image_config(const ImageConfig& config);

/// docker's container.Config in docker's key order, for configs, config.v2.json and inspect.
Json run_config_json(const RunConfig& config);
/// Tolerant like parse_image_config(); Corrupt if a value has the wrong type.
Result<RunConfig> run_config_from_json(const Json& json);

/// The ChainIDs of the stack, bottom first; chain_ids(d).back() is the image's top layer.
std::vector<ChainID> chain_ids(const std::vector<DiffID>& diff_ids);

}  // namespace strata

#pragma once

#include "container/create.h"
#include "engine/containers.h"

namespace strata {

/// Reads the texts of the command line. InvalidArgument with docker's texts where it has one;
/// Unsupported for what needs a daemon or a network bridge.
Result<CreateRequest> parse_container_options(const ContainerOptions& options);

/// What --env-file and --env say: lines of files, then texts, "NAME=value" or "NAME" for the value
/// that this process has. InvalidArgument in docker's words.
Result<std::vector<std::string>> caller_environment(const std::vector<std::string>& files,
                                                    const std::vector<std::string>& texts);

/// "nofile=1024:2048"; without a hard limit it is the soft one.
Result<Ulimit> parse_ulimit(const std::string& text);

/// One value of -v, "source:destination[:mode]".
Result<MountPoint> parse_bind(const std::string& text);

}  // namespace strata

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "container/record.h"

namespace strata {

/// `create`, as the command line says it.
struct CreateRequest {
  std::string image;  // as the user typed it
  std::string name;   // without slash; empty: one is made up
  RunConfig config;   // only what was asked for; the image's config fills the rest
  HostConfig host;
  std::vector<MountPoint> mounts;  // -v; sources of named volumes are filled in
};

struct CreatedContainer {
  ContainerRecord record;             // as saved
  std::vector<std::string> warnings;  // docker's lines, for the user
};

/// Makes a container that is ready to start: its init and writable layers on the image's top layer,
/// LayerDB mount and record, in the order that leaves no dangling reference. On an error nothing
/// that was made stays behind. The caller syncs the store.
/// NotFound "No such image: x:latest"; Conflict if the name is taken; InvalidArgument "No command
/// specified", "Invalid container name (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed".
Result<CreatedContainer> create_container(const Store& store, const CreateRequest& request);

/// What docker makes of a user's config and the image's (runconfig.Merge): the user's values win,
/// lists of variables, ports, volumes and labels are united, and a command of the image is dropped
/// when the user gives an entry point.
RunConfig merge_run_config(const RunConfig& user, const RunConfig& image);

}  // namespace strata

#pragma once

#include <string>

#include "base/byte_stream.h"
#include "engine/events.h"

namespace strata {

/// `cp`: one side is a path of this machine, the other one of a container, which may run or not.
/// Paths as typed: a slash or "/." at the end counts, as in docker.
struct CopyFilesRequest {
  std::string container;
  std::string container_path;
  std::string local_path;        // absolute
  bool follow_link = false;      // -L: of a link, take what it points to
  bool container_owner = false;  // -a: files that go in belong to the container's user
};

/// NotFound "No such container:path: x:/y" for either that is not there; Conflict for what a daemon
/// would refuse; InvalidArgument for the rest; all in docker's words. What was copied before a
/// failure stays, as with cp(1).
Result<void> copy_from_container(const EngineOptions& engine, const CopyFilesRequest& request);
Result<void> copy_to_container(const EngineOptions& engine, const CopyFilesRequest& request);

/// The same as a tar: members begin with the last component of the path.
Result<void> copy_from_container_as_tar(const EngineOptions& engine,
                                        const CopyFilesRequest& request, const ByteSink& sink);
/// Unpacks a tar, plain or compressed, into a directory of the container; `request.local_path` is
/// not used.
Result<void> copy_tar_to_container(const EngineOptions& engine, const CopyFilesRequest& request,
                                   ByteSource& tar);

}  // namespace strata

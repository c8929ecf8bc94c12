#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// `send`: which images, and where to.
struct SendRequest {
  std::string host;                 // "user@host" or "ssh://user@host:port"
  std::vector<std::string> images;  // a repository without tag: all its tags
  std::string program = "strata";   // what is run there, and its flags, for the shell there
  std::function<void(std::int64_t bytes)> progress;  // of the layer at hand; may be empty
};

struct SentImages {
  std::vector<std::string> ids;
  std::size_t layers = 0;  // that the other side lacked
  std::int64_t bytes = 0;  // that they took on the way
};

/// Runs `ssh HOST PROGRAM __receive` (the environment variable STRATA_SSH names another program
/// than ssh, as GIT_SSH does for git) and gives it what it lacks (copy/wire.h). The other store has
/// all of it, or is as it was.
Result<SentImages> send_images(const EngineOptions& engine, const SendRequest& request);

/// `__receive`: the other side, on standard input and output.
Result<void> receive_images(const EngineOptions& engine, std::int64_t max_layer_size);

}  // namespace strata

#pragma once

#include <sys/types.h>

#include <string>
#include <thread>

#include "base/fd.h"

namespace strata::build {

/// What RUN --mount=type=ssh shows to the container: a socket whose every connection is carried on
/// to the user's own agent, so that the agent's socket needs no other owner or mode. Until this
/// object goes.
class AgentRelay {
 public:
  /// Listens on the socket `name` in the directory fd `dir`. `agent` is the path of the user's.
  static Result<AgentRelay> listen(int dir, const std::string& name, const std::string& agent);

  AgentRelay(AgentRelay&&) noexcept = default;
  AgentRelay& operator=(AgentRelay&&) = delete;
  ~AgentRelay();

 private:
  AgentRelay(UniqueFd stop, std::thread thread)
      : stop_(std::move(stop)), thread_(std::move(thread)) {}
  UniqueFd stop_;  // write end of a pipe: its end ends the thread
  std::thread thread_;
};

}  // namespace strata::build

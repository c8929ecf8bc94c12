#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "engine/containers.h"

namespace strata::cli {

/// The flags that create and run have in common, and what only the command line needs of them.
struct ContainerFlags {
  ContainerOptions options;
  std::string cidfile;  // the new ID is written there
  std::string pull = "missing";
  std::optional<bool> tls_verify;
  std::string platform;
};

/// docker's names and help texts. The first operand ends the flags: what follows is the container's
/// command.
void add_container_flags(FlagSet& flags, ContainerFlags& container);

/// Takes image and command from the operands; then what docker's client refuses by itself.
Result<void> check_container_flags(Call& call, ContainerFlags& flags);

/// Creates the container that operands (image, command...) and flags describe, prints warnings and
/// writes the cidfile. Its ID, or docker's error as `docker create` shows it.
Result<std::string> create_from_flags(Call& call, ContainerFlags& container);

}  // namespace strata::cli

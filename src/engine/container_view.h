#pragma once

#include <string>

#include "container/record.h"

namespace strata {

/// A record that says Running without a process behind it (a crash, a reboot) is shown as ended
/// with 137, as the next command that writes will record it. If the end is just being recorded,
/// waits for that, at most a second.
void settle_state(const Store& store, ContainerRecord& record);

/// docker's word for the state: "created", "running", "paused", "restarting", "removing", "exited",
/// "dead".
std::string state_word(const ContainerRecord& record);

/// docker's sentence: "Up 2 minutes", "Exited (0) 3 hours ago", "Created".
std::string status_text(const ContainerRecord& record, Time now);

struct ContainerSizes {
  std::int64_t writable = 0;  // bytes of the files in the writable layer
  std::int64_t root_fs = 0;   // with those of the image
};
Result<ContainerSizes> container_sizes(const Store& store, const ContainerRecord& record);

}  // namespace strata

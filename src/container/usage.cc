#include "container/usage.h"

#include <fcntl.h>
#include <poll.h>

#include <sstream>

#include "base/io.h"
#include "base/text.h"
#include "container/liveness.h"

namespace strata {

NetworkTraffic parse_net_dev(std::string_view text) {
  constexpr int kReceived = 1;  // columns behind the name (proc(5))
  constexpr int kSent = 9;
  NetworkTraffic traffic;
  for (auto line : split(text, '\n')) {
    auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // headings
    std::istringstream name(std::string(line.substr(0, colon)));
    std::string device;
    name >> device;
    if (device == "lo") continue;
    std::istringstream numbers(std::string(line.substr(colon + 1)));
    std::uint64_t n = 0;
    for (int column = kReceived; column <= kSent && numbers >> n; column++) {
      if (column == kReceived) traffic.received += n;
      if (column == kSent) traffic.sent += n;
    }
  }
  return traffic;
}

Result<ContainerUsage> container_usage(const Store& store, const ContainerRecord& record,
                                       std::string_view mountinfo) {
  auto process = TRY(open_process(store, record));
  ContainerUsage usage;
  auto groups = read_file(AT_FDCWD, fmt::format("/proc/{}/cgroup", record.state.pid));
  if (groups)
    if (auto used = read_cgroup_usage(find_cgroups(*groups, mountinfo, record.id)))
      usage.group = *used;
  if (record.host.network_mode != "host")
    if (auto text = read_file(AT_FDCWD, fmt::format("/proc/{}/net/dev", record.state.pid)))
      usage.network = parse_net_dev(*text);
  // What was read by the number is its own only if it lives still.
  pollfd ended = {process.get(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0)
    return Error(ErrorCode::NotFound, fmt::format("Container {} is not running", record.id));
  return usage;
}

}  // namespace strata

#include "container/usage.h"

#include <fcntl.h>
#include <poll.h>

#include <charconv>

#include "base/io.h"
#include "base/text.h"
#include "container/liveness.h"

namespace strata {
namespace {

/// The number that the word at `column` begins with; 0 if there is none.
std::uint64_t number_in(const std::vector<std::string_view>& words, std::size_t column) {
  std::uint64_t n = 0;
  if (column < words.size())
    std::from_chars(words[column].data(), words[column].data() + words[column].size(), n);
  return n;
}

}  // namespace

NetworkTraffic parse_net_dev(std::string_view text) {
  constexpr std::size_t kReceived = 0;  // columns behind the name (proc(5))
  constexpr std::size_t kSent = 8;
  NetworkTraffic traffic;
  for (auto line : split(text, '\n')) {
    auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // headings
    const auto device = split_words(line.substr(0, colon));
    if (!device.empty() && device.front() == "lo") continue;
    const auto numbers = split_words(line.substr(colon + 1));
    traffic.received += number_in(numbers, kReceived);
    traffic.sent += number_in(numbers, kSent);
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

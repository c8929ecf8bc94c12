#include "runtime/cgroup_usage.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/io.h"
#include "base/text.h"

namespace strata {
namespace {

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;  // v1 writes the largest whole page

/// A number that fills the text, but for the end of a line.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::uint64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// One file system of control groups, as far as it matters here.
struct Hierarchy {
  bool unified = false;
  std::string_view root;  // the group that is mounted at `point`
  std::string_view point;
  std::vector<std::string_view> controllers;
};

std::vector<Hierarchy> hierarchies(std::string_view mountinfo) {
  std::vector<Hierarchy> found;
  for (auto line : split(mountinfo, '\n')) {
    auto fields = split(line, ' ');
    auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    if (dash[1] == "cgroup2") found.push_back({true, fields[3], fields[4], {}});
    if (dash[1] == "cgroup") found.push_back({false, fields[3], fields[4], split(dash[3], ',')});
  }
  return found;
}

/// "/a/ID/b" is "/a/ID"; also "/a/crun-ID.scope/b", as systemd names them. "" if that is not the
/// container's own.
std::string_view own_group(std::string_view path, std::string_view id) {
  auto at = path.find(id);
  return at == std::string_view::npos ? "" : path.substr(0, path.find('/', at + id.size()));
}

/// Where the group `path` is to be seen. "" if what is mounted does not hold it.
std::string place_of(const Hierarchy& hierarchy, std::string_view path) {
  if (hierarchy.root != "/") {
    if (!path.starts_with(hierarchy.root)) return "";
    path.remove_prefix(hierarchy.root.size());
    if (!path.empty() && path[0] != '/') return "";
  }
  return std::string(hierarchy.point) + std::string(path);
}

/// Files of one group; those that are not there are empty.
class Group {
 public:
  explicit Group(const std::string& place) {
    if (place.empty()) return;
    if (auto dir = open_dir(AT_FDCWD, place)) dir_ = *std::move(dir);
  }
  explicit operator bool() const { return static_cast<bool>(dir_); }

  std::string text(const char* name) const {
    if (!dir_) return "";
    auto text = read_file(dir_.get(), name);
    return text ? *std::move(text) : "";
  }
  std::uint64_t number(const char* name) const { return whole_number(text(name)).value_or(0); }

 private:
  UniqueFd dir_;
};

std::uint64_t without_inactive(std::uint64_t usage, std::uint64_t inactive) {
  return inactive < usage ? usage - inactive : usage;
}

Group group_of(const CgroupPlaces& places, std::string_view controller) {
  auto at = places.v1.find(controller);
  return Group(at == places.v1.end() ? "" : at->second);
}

Result<CgroupUsage> read_v2(const std::string& place) {
  Group group(place);
  if (!group) return Error(ErrorCode::NotFound, "no such control group: " + place);
  CgroupUsage usage;
  usage.cpu_ns = keyed_number(group.text("cpu.stat"), "usage_usec").value_or(0) * 1000;
  usage.memory =
      without_inactive(group.number("memory.current"),
                       keyed_number(group.text("memory.stat"), "inactive_file").value_or(0));
  usage.memory_limit = group.number("memory.max");  // "max" is no number
  auto traffic = parse_io_stat(group.text("io.stat"));
  usage.block_read = traffic.read;
  usage.block_written = traffic.written;
  usage.pids = group.number("pids.current");
  return usage;
}

/// Of the first of these that counts: since Linux 6.9 throttling does so only with a limit, bfq
/// only where it schedules the disk. The second is that of Linux 4, the last that of cfq.
BlockTraffic block_traffic_v1(const Group& group) {
  for (const char* name :
       {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes",
        "blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive"}) {
    auto traffic = parse_blkio(group.text(name));
    if (traffic.read + traffic.written > 0) return traffic;
  }
  return {};
}

Result<CgroupUsage> read_v1(const CgroupPlaces& places) {
  auto cpu = group_of(places, "cpuacct");
  auto memory = group_of(places, "memory");
  auto block = group_of(places, "blkio");
  auto pids = group_of(places, "pids");
  if (!cpu && !memory && !block && !pids)
    return Error(ErrorCode::NotFound, "no such control groups");
  CgroupUsage usage;
  usage.cpu_ns = cpu.number("cpuacct.usage");
  usage.memory =
      without_inactive(memory.number("memory.usage_in_bytes"),
                       keyed_number(memory.text("memory.stat"), "total_inactive_file").value_or(0));
  auto limit = memory.number("memory.limit_in_bytes");
  usage.memory_limit = limit < kNoLimit ? limit : 0;
  auto traffic = block_traffic_v1(block);
  usage.block_read = traffic.read;
  usage.block_written = traffic.written;
  usage.pids = pids.number("pids.current");
  return usage;
}

}  // namespace

CgroupPlaces find_cgroups(std::string_view groups, std::string_view mountinfo,
                          std::string_view id) {
  // "4:memory:/ID", "1:cpu,cpuacct:/ID", "9:name=systemd:/ID", "0::/ID"
  std::map<std::string_view, std::string_view> paths;
  for (auto line : split(groups, '\n')) {
    auto first = line.find(':');
    if (first == std::string_view::npos) continue;
    auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    auto path = own_group(line.substr(second + 1), id);
    if (path.empty()) continue;
    for (auto controller : split(line.substr(first + 1, second - first - 1), ','))
      paths[controller] = path;
  }
  CgroupPlaces places;
  for (const auto& hierarchy : hierarchies(mountinfo)) {
    if (hierarchy.unified && paths.contains("") && places.v2.empty())
      places.v2 = place_of(hierarchy, paths[""]);
    for (auto controller : hierarchy.controllers)
      if (paths.contains(controller) && !places.v1.contains(controller))
        if (auto place = place_of(hierarchy, paths[controller]); !place.empty())
          places.v1.emplace(controller, std::move(place));
  }
  if (places.v1.contains("memory") || places.v1.contains("cpuacct")) places.v2.clear();
  return places;
}

Result<CgroupUsage> read_cgroup_usage(const CgroupPlaces& places) {
  return places.v2.empty() ? read_v1(places) : read_v2(places.v2);
}

std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key) {
  for (auto line : split(text, '\n'))
    if (line.starts_with(key) && line.substr(key.size()).starts_with(' '))
      return whole_number(line.substr(key.size() + 1));
  return std::nullopt;
}

BlockTraffic parse_blkio(std::string_view text) {
  BlockTraffic traffic;
  for (auto line : split(text, '\n')) {
    auto words = split(line, ' ');
    if (words.size() != 3) continue;  // the sum at the end
    auto bytes = whole_number(words[2]).value_or(0);
    if (words[1] == "Read") traffic.read += bytes;
    if (words[1] == "Write") traffic.written += bytes;
  }
  return traffic;
}

BlockTraffic parse_io_stat(std::string_view text) {
  constexpr std::string_view kRead = "rbytes=";
  constexpr std::string_view kWritten = "wbytes=";
  BlockTraffic traffic;
  for (auto line : split(text, '\n'))
    for (auto word : split(line, ' ')) {
      if (word.starts_with(kRead))
        traffic.read += whole_number(word.substr(kRead.size())).value_or(0);
      if (word.starts_with(kWritten))
        traffic.written += whole_number(word.substr(kWritten.size())).value_or(0);
    }
  return traffic;
}

}  // namespace strata

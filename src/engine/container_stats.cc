#include "engine/container_stats.h"

#include <fcntl.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "base/io.h"
#include "container/lookup.h"
#include "container/usage.h"
#include "engine/container_view.h"

namespace strata {
namespace {

constexpr std::size_t kShortId = 12;

std::string without_slash(const std::string& name) {
  return name.substr(name.starts_with('/') ? 1 : 0);
}

std::uint64_t machine_memory() {
  struct sysinfo info = {};
  return ::sysinfo(&info) == 0 ? info.totalram * info.mem_unit : 0;
}

}  // namespace

/// What all rows of one look have in common.
class StatsWatch::Look {
 public:
  static Result<Look> begin(StatsWatch& watch) {
    Look look;
    look.watch_ = &watch;
    look.store_ = TRY(Store::open(watch.engine_.root, Store::Access::Read));
    look.mountinfo_ = TRY(read_file(AT_FDCWD, "/proc/self/mountinfo"));
    look.memory_ = machine_memory();
    return look;
  }

  /// Takes up what has come, drops what has gone.
  Result<void> find_containers() {
    std::vector<Container> now;
    for (auto& record : TRY(list_containers(*store_))) {
      settle_state(*store_, record);
      if (watch_->all_ || record.state.running)
        now.push_back({record.id, record.id.substr(0, kShortId), without_slash(record.name), {}});
    }
    auto& known = watch_->containers_;
    auto has = [](const std::vector<Container>& list, const Container& c) {
      return std::any_of(list.begin(), list.end(), [&](const auto& o) { return o.id == c.id; });
    };
    std::erase_if(known, [&](const Container& c) { return !has(now, c); });
    const bool is_first = known.empty();
    std::vector<Container> added;
    std::copy_if(now.begin(), now.end(), std::back_inserter(added),
                 [&](const Container& c) { return !has(known, c); });
    if (!is_first) std::reverse(added.begin(), added.end());
    known.insert(known.end(), added.begin(), added.end());
    return {};
  }

  ContainerStats row(Container& container) {
    ContainerStats row;
    auto record = load_container(*store_, container.id);
    if (record) container.name = without_slash(record->name);
    row.container = container.shown;
    row.id = container.id;
    row.name = container.name;
    row.is_removed = !record;
    if (record)
      if (auto usage = container_usage(*store_, *record, mountinfo_)) {
        fill(row, *usage);
        row.cpu_percent =
            cpu_percent({std::chrono::steady_clock::now(), record->state.pid, usage->group.cpu_ns},
                        container.before);
      }
    return row;
  }

 private:
  void fill(ContainerStats& row, const ContainerUsage& usage) const {
    const auto& group = usage.group;
    row.memory = group.memory;
    row.memory_limit = group.memory_limit == 0 ? memory_ : std::min(group.memory_limit, memory_);
    row.received = usage.network.received;
    row.sent = usage.network.sent;
    row.block_read = group.block_read;
    row.block_written = group.block_written;
    row.pids = group.pids;
  }

  /// Since `before`, which becomes `now`.
  static double cpu_percent(const CpuTime& now, CpuTime& before) {
    const auto then = std::exchange(before, now);
    if (then.pid != now.pid || now.cpu_ns <= then.cpu_ns || now.when <= then.when) return 0;
    const std::chrono::duration<double, std::nano> elapsed = now.when - then.when;
    return static_cast<double>(now.cpu_ns - then.cpu_ns) / elapsed.count() * 100;
  }

  StatsWatch* watch_ = nullptr;
  std::unique_ptr<Store> store_;
  std::string mountinfo_;
  std::uint64_t memory_ = 0;
};

Result<void> StatsWatch::add(std::string_view name) {
  named_ = true;
  auto store = TRY(Store::open(engine_.root, Store::Access::Read));
  auto record = TRY(find_container(*store, name));
  bool is_known = std::any_of(containers_.begin(), containers_.end(),
                              [&](const Container& c) { return c.shown == name; });
  if (!is_known)
    containers_.push_back({record.id, std::string(name), without_slash(record.name), {}});
  return {};
}

Result<std::vector<ContainerStats>> StatsWatch::look() {
  auto look = TRY(Look::begin(*this));
  if (!named_) TRY(look.find_containers());
  std::vector<ContainerStats> rows;
  for (auto& container : containers_) rows.push_back(look.row(container));
  return rows;
}

}  // namespace strata

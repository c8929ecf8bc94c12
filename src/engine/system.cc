#include "engine/system.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/process.h"
#include "runtime/cgroup.h"
#include "store/store.h"

namespace strata {
namespace {

/// docker's names for the magic numbers of statfs(2).
std::string filesystem_name(int dir) {
  struct statfs fs = {};
  if (::fstatfs(dir, &fs) < 0) return "unknown";
  switch (static_cast<std::uint32_t>(fs.f_type)) {
    case 0xef53:
      return "extfs";
    case 0x58465342:
      return "xfs";
    case 0x9123683e:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x794c7630:
      return "overlayfs";
    default:
      return fmt::format("0x{:x}", static_cast<std::uint32_t>(fs.f_type));
  }
}

std::string os_name() {
  auto text = read_file(AT_FDCWD, "/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=\"";
  auto at = text ? text->find(kKey) : std::string::npos;
  if (at == std::string::npos) return "Linux";
  at += kKey.size();
  return text->substr(at, text->find('"', at) - at);
}

std::string cgroup_text() {
  auto support = detect_cgroups();
  if (!support) return "none";
  switch (support->mode) {
    case CgroupMode::V1:
      return "1";
    case CgroupMode::V2:
      return "2";
    case CgroupMode::Hybrid:
      return "1 and 2 (hybrid)";
    case CgroupMode::None:
      break;
  }
  return "none";
}

std::string runtime_version() {
  Command command;
  command.argv = {"crun", "--version"};
  auto output = run_and_capture(command);
  if (!output || !output->status.success()) return "";
  return output->out.substr(0, output->out.find('\n'));
}

/// A container runs if its record says so; whether the process is alive is not asked here.
bool record_says_running(int containers, const std::string& id) {
  auto text = read_file(containers, id + "/config.v2.json");
  return text && text->find("\"Running\":true") != std::string::npos;
}

}  // namespace

Result<SystemInfo> system_info(const EngineOptions& engine) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  SystemInfo info;
  info.root = store->path();
  info.images = TRY(store->images().list()).size();
  info.layers = TRY(store->layers().list()).size();
  for (const auto& id : TRY(list_dir(store->containers_dir()))) {
    info.containers++;
    if (record_says_running(store->containers_dir(), id)) info.running++;
  }
  info.filesystem = filesystem_name(store->dir());
  info.dockerd = running_dockerd(store->dir());
  info.cgroup = cgroup_text();
  struct utsname machine = {};
  ::uname(&machine);
  info.kernel = machine.release;
  info.architecture = machine.machine;
  info.host = machine.nodename;
  info.operating_system = os_name();
  info.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  struct sysinfo memory = {};
  if (::sysinfo(&memory) == 0)
    info.memory = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
  info.runtime = runtime_version();
  return info;
}

}  // namespace strata

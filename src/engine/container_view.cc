#include "engine/container_view.h"

#include <signal.h>

#include <chrono>
#include <thread>
#include <utility>

#include "container/changes.h"
#include "container/liveness.h"
#include "container/lookup.h"
#include "engine/containers.h"
#include "image/units.h"
#include "inspect/image_view.h"

namespace strata {
namespace {

constexpr int kSettleSteps = 50;
constexpr std::chrono::milliseconds kSettleStep(20);

Json state_view(const ContainerRecord& r) {
  const auto& s = r.state;
  return Json::object({{"Status", state_word(r)},
                       {"Running", s.running},
                       {"Paused", s.paused},
                       {"Restarting", s.restarting},
                       {"OOMKilled", s.oom_killed},
                       {"Dead", s.dead},
                       {"Pid", s.pid},
                       {"ExitCode", s.exit_code},
                       {"Error", s.error},
                       {"StartedAt", s.started_at.str()},
                       {"FinishedAt", s.finished_at.str()}});
}

Json mount_view(const MountPoint& m) {
  Json json = Json::object({{"Type", m.type}});
  if (!m.name.empty()) json.set("Name", m.name);
  json.set("Source", m.source).set("Destination", m.destination);
  if (m.type == "volume") json.set("Driver", "local");
  json.set("Mode", m.mode).set("RW", m.read_write).set("Propagation", m.propagation);
  return json;
}

/// The record's settings in the order of the API, which repeats the default bridge's endpoint.
Json network_view(const Json& recorded) {
  auto network = [](const Json& e) {
    Json json = Json::object();
    for (const char* key : {"IPAMConfig", "Links", "Aliases", "NetworkID", "EndpointID", "Gateway",
                            "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address",
                            "GlobalIPv6PrefixLen", "MacAddress", "DriverOpts"})
      json.set(key, e[key]);
    return json;
  };
  Json json = Json::object();
  for (const char* key :
       {"Bridge", "SandboxID", "HairpinMode", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen"})
    json.set(key, recorded[key]);
  json.set("Ports", recorded["Ports"].is_object() ? recorded["Ports"] : Json::object());
  for (const char* key : {"SandboxKey", "SecondaryIPAddresses", "SecondaryIPv6Addresses"})
    json.set(key, recorded[key]);
  const Json& bridge = recorded["Networks"]["bridge"];
  for (const char* key : {"EndpointID", "Gateway", "GlobalIPv6Address"})
    json.set(key, bridge[key].as_string());
  json.set("GlobalIPv6PrefixLen", bridge["GlobalIPv6PrefixLen"].as_int());
  json.set("IPAddress", bridge["IPAddress"].as_string());
  json.set("IPPrefixLen", bridge["IPPrefixLen"].as_int());
  for (const char* key : {"IPv6Gateway", "MacAddress"}) json.set(key, bridge[key].as_string());
  Json networks = Json::object();
  for (const auto& [name, endpoint] : recorded["Networks"].as_object())
    networks.set(name, network(endpoint));
  return json.set("Networks", std::move(networks));
}

Json::Object base_view(const ContainerRecord& r) {
  return {{"Id", r.id},
          {"Created", r.created.str()},
          {"Path", r.path},
          {"Args", Json::strings(r.args)},
          {"State", state_view(r)},
          {"Image", r.image},
          {"ResolvConfPath", r.resolv_conf_path},
          {"HostnamePath", r.hostname_path},
          {"HostsPath", r.hosts_path},
          {"LogPath", r.log_path},
          {"Name", r.name},
          {"RestartCount", r.restart_count},
          {"Driver", r.driver},
          {"Platform", r.os},
          {"MountLabel", r.parsed_config["MountLabel"].as_string()},
          {"ProcessLabel", r.parsed_config["ProcessLabel"].as_string()},
          {"AppArmorProfile", r.parsed_config["AppArmorProfile"].as_string()},
          {"ExecIDs", nullptr}};
}

Result<std::int64_t> upper_size(const Store& store, const std::string& id) {
  auto mount = TRY(store.layers().mount(id));
  auto upper = TRY(store.caches().open_diff(mount.mount_id));
  return tree_size(upper.get());
}

}  // namespace

void settle_state(const Store& store, ContainerRecord& r) {
  if (!r.state.running || open_process(store, r)) return;
  // Its process is gone; whoever supervises it is about to write how it ended.
  for (int step = 0; step < kSettleSteps && is_supervised(store, r.id); step++)
    std::this_thread::sleep_for(kSettleStep);
  if (auto now = load_container(store, r.id)) r = *std::move(now);
  if (!r.state.running || is_running(store, r)) return;
  r.state.running = false;
  r.state.paused = false;
  r.state.pid = 0;
  r.state.exit_code = 128 + SIGKILL;
  if (r.state.finished_at < r.state.started_at) r.state.finished_at = Time::now();
}

std::string state_word(const ContainerRecord& r) {
  const auto& s = r.state;
  if (s.running) return s.paused ? "paused" : s.restarting ? "restarting" : "running";
  if (s.removal_in_progress) return "removing";
  if (s.dead) return "dead";
  return s.started_at.is_zero() ? "created" : "exited";
}

std::string status_text(const ContainerRecord& r, Time now) {
  const auto& s = r.state;
  auto since = [&](Time t) { return human_duration(now.seconds - t.seconds); };
  if (s.running) {
    if (s.paused) return fmt::format("Up {} (Paused)", since(s.started_at));
    if (s.restarting)
      return fmt::format("Restarting ({}) {} ago", s.exit_code, since(s.finished_at));
    return "Up " + since(s.started_at);
  }
  if (s.removal_in_progress) return "Removal In Progress";
  if (s.dead) return "Dead";
  if (s.started_at.is_zero()) return "Created";
  if (s.finished_at.is_zero()) return "";
  return fmt::format("Exited ({}) {} ago", s.exit_code, since(s.finished_at));
}

Result<ContainerSizes> container_sizes(const Store& store, const ContainerRecord& record) {
  ContainerSizes sizes;
  sizes.writable = TRY(upper_size(store, record.id));
  sizes.root_fs = sizes.writable;
  if (auto digest = Digest::parse(record.image)) {
    auto image = store.images().get(ImageID(*digest));
    if (image) sizes.root_fs += TRY(ImageSizes(store).of(image->config));
  }
  return sizes;
}

Result<Json> inspect_container(const EngineOptions& engine, std::string_view name, bool size) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto record = TRY(find_container(*store, name));
  settle_state(*store, record);
  auto view = base_view(record);
  view.emplace_back("HostConfig",
                    record.parsed_host.is_null() ? Json::object() : record.parsed_host);
  auto mount = TRY(store->layers().mount(record.id));
  auto driver = TRY(graph_driver(*store, mount.mount_id));
  view.emplace_back("GraphDriver", std::move(driver));
  if (size) {
    auto sizes = TRY(container_sizes(*store, record));
    view.emplace_back("SizeRw", sizes.writable);
    view.emplace_back("SizeRootFs", sizes.root_fs);
  }
  Json mounts = Json::array();
  for (const auto& m : record.mounts) mounts.push(mount_view(m));
  view.emplace_back("Mounts", std::move(mounts));
  view.emplace_back("Config", run_config_json(record.config));
  view.emplace_back("NetworkSettings", network_view(record.parsed_config["NetworkSettings"]));
  return Json(std::move(view));
}

}  // namespace strata

#include "registry/settings.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/io.h"
#include "image/json.h"

namespace strata::registry {
namespace {

constexpr const char* kDaemonFile = "/etc/docker/daemon.json";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string home() {
  auto dir = environment("HOME");
  return dir.empty() ? "/root" : dir;
}

std::string config_home() {
  auto dir = environment("XDG_CONFIG_HOME");
  return dir.empty() ? home() + "/.config" : dir;
}

std::vector<std::string> podman_files() {
  if (auto file = environment("REGISTRY_AUTH_FILE"); !file.empty()) return {file};
  std::vector<std::string> files;
  auto runtime = environment("XDG_RUNTIME_DIR");
  if (!runtime.empty()) files.push_back(runtime + "/containers/auth.json");
  files.push_back(fmt::format("/run/containers/{}/auth.json", ::getuid()));
  files.push_back(config_home() + "/containers/auth.json");
  return files;
}

Result<void> read_daemon_file(Settings& settings) {
  auto text = read_file(AT_FDCWD, kDaemonFile, std::size_t{1} << 20);
  if (!text && text.error().code() == ErrorCode::NotFound) return {};
  auto bytes = TRY(std::move(text));
  auto json = TRY(Json::parse(bytes).context("{}", kDaemonFile));
  settings.insecure = json["insecure-registries"].as_strings();
  settings.mirrors = json["registry-mirrors"].as_strings();
  return {};
}

}  // namespace

Result<Settings> user_settings(const std::string& config_dir) {
  Settings settings;
  auto dir = config_dir.empty() ? environment("DOCKER_CONFIG") : config_dir;
  if (dir.empty()) dir = home() + "/.docker";
  settings.config_file = dir + "/config.json";
  settings.auth_files = podman_files();
  settings.certs_dirs = {config_home() + "/docker/certs.d", "/etc/docker/certs.d"};
  TRY(read_daemon_file(settings));
  return settings;
}

}  // namespace strata::registry

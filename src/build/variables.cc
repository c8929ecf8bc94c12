#include "build/variables.h"

#include <algorithm>
#include <array>

#include "image/platform.h"

namespace strata::build {
namespace {

constexpr std::array<std::string_view, 10> kProxies = {
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
    "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy"};

/// They speak to the builder itself, whether or not an ARG declares them.
bool is_for_builder(std::string_view name) {
  return name == "SOURCE_DATE_EPOCH" || name.starts_with("BUILDKIT_");
}

bool is_proxy(std::string_view name) {
  return std::find(kProxies.begin(), kProxies.end(), name) != kProxies.end();
}

}  // namespace

std::optional<std::string> env_value(const EnvList& env, std::string_view name) {
  for (const auto& e : env)
    if (e.size() > name.size() && e.starts_with(name) && e[name.size()] == '=')
      return e.substr(name.size() + 1);
  return std::nullopt;
}

void set_env(EnvList& env, const std::string& name, const std::string& value) {
  for (auto& e : env) {
    if (e.size() > name.size() && e.starts_with(name) && e[name.size()] == '=') {
      e = name + '=' + value;
      return;
    }
  }
  env.push_back(name + '=' + value);
}

BuildArgs::BuildArgs(const Given& given) : given_(given), globals_(platform_args()) {
  for (auto& [name, value] : globals_)
    if (auto it = given_.find(name); it != given_.end() && it->second) {
      value = *it->second;
      used_.insert(name);
    }
}

void BuildArgs::declare_global(const std::string& name, const std::optional<std::string>& value) {
  auto it = given_.find(name);
  if (it != given_.end()) used_.insert(name);
  if (it != given_.end() && it->second)
    globals_[name] = *it->second;
  else if (value)
    globals_[name] = *value;
}

std::optional<std::string> BuildArgs::global(std::string_view name) const {
  auto it = globals_.find(name);
  if (it == globals_.end()) return std::nullopt;
  return it->second;
}

std::optional<std::string> BuildArgs::declare(const std::string& name,
                                              const std::optional<std::string>& value) {
  auto it = given_.find(name);
  if (it != given_.end()) {
    std::lock_guard lock(mutex_);
    used_.insert(name);
  }
  if (it != given_.end() && it->second) return it->second;
  if (value) return value;
  return global(name);
}

std::vector<std::pair<std::string, std::string>> BuildArgs::proxies() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : given_)
    if (value && is_proxy(name)) out.emplace_back(name, *value);
  return out;
}

std::vector<std::string> BuildArgs::unused() const {
  std::vector<std::string> out;
  std::lock_guard lock(mutex_);
  for (const auto& [name, value] : given_)
    if (!used_.contains(name) && !is_proxy(name) && !is_for_builder(name)) out.push_back(name);
  return out;
}

void StageArgs::set(const std::string& name, const std::optional<std::string>& value) {
  if (value)
    values_[name] = *value;
  else
    values_.erase(name);
}

std::optional<std::string> StageArgs::get(std::string_view name) const {
  auto it = values_.find(name);
  if (it == values_.end()) return std::nullopt;
  return it->second;
}

}  // namespace strata::build

#include "registry/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "base/io.h"
#include "http/url.h"
#include "registry/detail/hosts_toml.h"

namespace strata::registry {
namespace {

constexpr std::string_view kHubDomain = "docker.io";
constexpr const char* kHubHost = "registry-1.docker.io";
constexpr std::size_t kMaxRules = std::size_t{1} << 20;  // bytes of a certificate or a hosts.toml

std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

std::optional<std::uint32_t> ipv4(const std::string& text) {
  in_addr address = {};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

bool is_in_network(const std::string& host, const std::string& network) {
  auto slash = network.find('/');
  if (slash == std::string::npos) return false;
  auto base = ipv4(network.substr(0, slash));
  auto address = ipv4(host);
  auto bits = std::strtol(network.c_str() + slash + 1, nullptr, 10);
  if (!base || !address || bits < 0 || bits > 32) return false;
  std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return (*base & mask) == (*address & mask);
}

bool is_insecure(const Settings& settings, const std::string& domain) {
  if (settings.tls_verify) return !*settings.tls_verify;
  auto host = without_port(domain);
  if (host == "localhost" || host == "::1" || is_in_network(host, "127.0.0.0/8")) return true;
  return std::any_of(settings.insecure.begin(), settings.insecure.end(), [&](const auto& listed) {
    return listed == domain || is_in_network(host, listed);
  });
}

/// The files of certs.d/<domain>, as docker reads them.
Result<bool> read_certificates(const std::string& dir, http::Tls& tls) {
  auto fd = open_dir(AT_FDCWD, dir);
  if (!fd && fd.error().code() == ErrorCode::NotFound) return false;
  auto open = TRY(std::move(fd));
  for (const auto& name : TRY(list_dir(open.get()))) {
    auto file = dir + '/' + name;
    if (name.ends_with(".crt")) tls.authorities += TRY(read_file(AT_FDCWD, file, kMaxRules)) + '\n';
    if (!name.ends_with(".cert")) continue;
    auto key = file.substr(0, file.size() - 4) + "key";
    if (!stat_at(AT_FDCWD, key))
      return Error(ErrorCode::NotFound,
                   fmt::format("missing key {} for client certificate {}. CA certificates must use "
                               "the extension .crt",
                               key.substr(dir.size() + 1), name));
    tls.certificate = file;
    tls.key = key;
  }
  return true;
}

Result<Endpoint> toml_endpoint(const detail::TomlHost& host, const std::string& dir,
                               const std::string& domain, bool is_mirror) {
  Endpoint endpoint;
  endpoint.url = http::is_url(host.url) ? host.url : "https://" + host.url;
  while (endpoint.url.ends_with('/')) endpoint.url.pop_back();
  if (!host.override_path) endpoint.url += "/v2";
  endpoint.is_mirror = is_mirror;
  endpoint.can_push = host.can_push;
  if (is_mirror) endpoint.name_space = domain;
  endpoint.tls.verify = host.verify;
  auto absolute = [&](const std::string& file) {
    return file.starts_with('/') ? file : dir + '/' + file;
  };
  for (const auto& file : host.authorities)
    endpoint.tls.authorities += TRY(read_file(AT_FDCWD, absolute(file), kMaxRules)) + '\n';
  if (!host.certificates.empty()) {
    endpoint.tls.certificate = absolute(host.certificates[0].first);
    if (const auto& key = host.certificates[0].second; !key.empty())
      endpoint.tls.key = absolute(key);
  }
  return endpoint;
}

struct Rules {
  std::vector<Endpoint> mirrors;
  std::optional<Endpoint> server;
  http::Tls tls;
};

Result<void> read_hosts_file(const std::string& dir, const std::string& domain, Rules& rules) {
  auto text = read_file(AT_FDCWD, dir + "/hosts.toml", kMaxRules);
  if (!text && text.error().code() == ErrorCode::NotFound) return {};
  auto bytes = TRY(std::move(text));
  auto hosts = TRY(detail::parse_hosts_toml(bytes));
  for (const auto& host : hosts.hosts) {
    if (!host.can_pull && !host.can_push) continue;
    auto endpoint = TRY(toml_endpoint(host, dir, domain, true));
    if (!host.has_capabilities) endpoint.can_push = false;
    rules.mirrors.push_back(std::move(endpoint));
  }
  if (hosts.server.url.empty()) return {};
  rules.server = TRY(toml_endpoint(hosts.server, dir, domain, false));
  return {};
}

Result<Rules> read_rules(const Settings& settings, const std::string& domain) {
  Rules rules;
  for (const auto& parent : settings.certs_dirs) {
    auto dir = parent + '/' + domain;
    if (!TRY(read_certificates(dir, rules.tls).context("{}", dir))) continue;
    TRY(read_hosts_file(dir, domain, rules).context("{}/hosts.toml", dir));
    break;
  }
  if (domain != kHubDomain) return rules;
  for (const auto& url : settings.mirrors) {
    detail::TomlHost host;
    host.url = url;
    host.can_push = false;
    auto endpoint = TRY(toml_endpoint(host, "", domain, true));
    endpoint.name_space.clear();
    rules.mirrors.push_back(std::move(endpoint));
  }
  return rules;
}

}  // namespace

std::string Endpoint::host() const {
  auto parts = http::parse_url(url);
  return parts ? parts->host : url;
}

Result<std::vector<Endpoint>> endpoints_of(const Settings& settings, const std::string& domain) {
  auto rules = TRY(read_rules(settings, domain));
  auto endpoints = std::move(rules.mirrors);
  if (rules.server) {
    endpoints.push_back(*std::move(rules.server));
    return endpoints;
  }
  Endpoint registry;
  const std::string host = domain == kHubDomain ? kHubHost : domain;
  bool insecure = is_insecure(settings, domain);
  registry.tls = std::move(rules.tls);
  registry.tls.verify = !insecure || !registry.tls.authorities.empty();
  if (settings.tls_verify) registry.tls.verify = *settings.tls_verify;
  registry.url = "https://" + host + "/v2";
  endpoints.push_back(registry);
  if (insecure) {
    registry.url = "http://" + host + "/v2";
    endpoints.push_back(std::move(registry));
  }
  return endpoints;
}

}  // namespace strata::registry

#include "container/spec.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "digest/digest.h"
#include "runtime/user.h"

namespace strata {
namespace {

constexpr const char* kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_variable(const std::vector<std::string>& env, std::string_view name) {
  return std::any_of(env.begin(), env.end(), [&](const std::string& e) {
    return e.size() > name.size() && e.starts_with(name) && e[name.size()] == '=';
  });
}

/// docker's order: PATH, HOSTNAME, TERM, then what was configured, then HOME. The last value of a
/// name stands in the place of the first; "NAME" without a value takes a variable away.
std::vector<std::string> environment(const SpecRequest& r, const std::string& hostname,
                                     const std::string& home) {
  std::vector<std::string> env = {kDefaultPath, "HOSTNAME=" + hostname};
  if (r.config.tty) env.emplace_back("TERM=xterm");
  for (const auto& e : r.config.env.value_or(std::vector<std::string>())) {
    auto name = e.substr(0, e.find('='));
    auto same = std::find_if(env.begin(), env.end(), [&](const std::string& other) {
      return other.starts_with(name) && other[name.size()] == '=';
    });
    bool unsets = name.size() == e.size();
    if (same == env.end() && !unsets)
      env.push_back(e);
    else if (same != env.end() && !unsets)
      *same = e;
    else if (same != env.end())
      env.erase(same);
  }
  if (!has_variable(env, "HOME")) env.push_back("HOME=" + home);
  return env;
}

Result<void> write_hosts(const SpecRequest& r) {
  std::string text;
  if (r.network == NetworkMode::Host) {
    if (auto host = read_file(AT_FDCWD, "/etc/hosts")) text = *std::move(host);
    if (!text.empty() && text.back() != '\n') text += '\n';
  } else {
    text =
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "ff00::0\tip6-mcastprefix\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n";
  }
  for (const auto& host : r.extra_hosts) {
    auto colon = host.find(':');
    if (colon == std::string::npos) continue;
    text += host.substr(colon + 1) + "\t" + host.substr(0, colon) + "\n";
  }
  return write_file(r.files, "hosts", text, 0644);
}

Result<void> write_files(const SpecRequest& r, const std::string& hostname) {
  TRY(write_file(r.files, "hostname", hostname + "\n", 0644));
  TRY(write_hosts(r));
  auto resolv = read_file(AT_FDCWD, "/etc/resolv.conf");
  return write_file(r.files, "resolv.conf", resolv ? *resolv : "", 0644);
}

}  // namespace

std::string container_hostname(const SpecRequest& r) {
  if (!r.config.hostname.empty()) return r.config.hostname;
  if (r.network == NetworkMode::Host) {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) return name.data();
  }
  return r.id.substr(0, 12);
}

std::string runtime_state_dir(const std::string& store_path) {
  return "/run/strata/" + sha256(store_path).hex().substr(0, 16);
}

Result<void> check_working_dir(int root, const std::string& path) {
  if (path.empty()) return {};
  auto dir = open_in_root(root, path, Resolve::InRoot, O_PATH);
  struct stat st = {};
  bool is_other = dir && ::fstat(dir->get(), &st) == 0 && !S_ISDIR(st.st_mode);
  if (is_other || (!dir && dir.error().sys_errno() == ENOTDIR))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Cannot mkdir: {} is not a directory", path));
  return {};
}

Result<ContainerSpec> make_spec(const SpecRequest& r) {
  std::string hostname = container_hostname(r);
  TRY(write_files(r, hostname));
  ResolvedUser user;
  if (r.root >= 0)
    user = TRY(resolve_user(r.root, r.config.user));
  else if (!r.config.user.empty())
    return Error(
        ErrorCode::NotFound,
        fmt::format("unable to find user {}: no matching entries in passwd file", r.config.user));

  ContainerSpec spec;
  spec.rootfs = r.rootfs;
  spec.argv = r.argv;
  spec.env = environment(r, hostname, user.home);
  spec.cwd = r.config.working_dir.empty() ? "/" : r.config.working_dir;
  spec.uid = user.uid;
  spec.gid = user.gid;
  spec.additional_gids = user.additional_gids;
  // The primary group too, as docker since CVE-2022-36109: a program that changes its group must
  // not escape what the files deny to its first one.
  if (std::find(spec.additional_gids.begin(), spec.additional_gids.end(), user.gid) ==
      spec.additional_gids.end())
    spec.additional_gids.push_back(user.gid);
  spec.terminal = r.config.tty;
  // With the host's network the host's name is shared, and setting it would change the host's.
  spec.hostname = hostname;
  spec.domainname = r.config.domainname;
  spec.network = r.network;
  for (const char* name : {"resolv.conf", "hostname", "hosts"})
    spec.mounts.push_back(bind_mount(r.files_path + "/" + name, std::string("/etc/") + name));
  return spec;
}

}  // namespace strata

#include "registry/credentials.h"

#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "base/process.h"
#include "image/json.h"

namespace strata::registry {
namespace {

constexpr std::string_view kHub = "docker.io";
constexpr std::string_view kHubKey = "https://index.docker.io/v1/";
constexpr std::string_view kTokenUser = "<token>";  // a helper's: the secret is an identity token
constexpr std::string_view kNotFound = "credentials not found in native keychain";
constexpr std::size_t kMaxFile = std::size_t{4} << 20;  // bytes

/// A file of credentials; an absent one is an empty object.
Result<Json> read_config(const std::string& file) {
  auto text = read_file(AT_FDCWD, file, kMaxFile);
  if (!text && text.error().code() == ErrorCode::NotFound) return Json::object();
  auto bytes = TRY(std::move(text));
  if (bytes.find_first_not_of(" \t\r\n") == std::string::npos) return Json::object();
  auto json = TRY(Json::parse(bytes).context("{}", file));
  if (!json.is_object()) return Error(ErrorCode::Corrupt, file + ": not an object");
  if (const auto& auths = json["auths"]; !auths.is_null() && !auths.is_object())
    return Error(ErrorCode::Corrupt, file + ": auths is not an object");
  return json;
}

Result<void> write_config(const std::string& file, const Json& json) {
  auto slash = file.rfind('/');
  auto dir = file.substr(0, slash);
  if (!open_dir(AT_FDCWD, dir)) {
    auto root = TRY(open_dir(AT_FDCWD, dir.starts_with('/') ? "/" : "."));
    TRY(make_dirs(root.get(), dir.substr(dir.find_first_not_of('/')), 0700));
  }
  auto parent = TRY(open_dir(AT_FDCWD, dir));
  return write_file_atomic(parent.get(), file.substr(slash + 1), json.dump_indented("\t"), 0600);
}

/// The word of a helper's program, or "".
std::string helper_of(const Json& config, const std::string& key) {
  const auto* own = config["credHelpers"].find(key);
  return own != nullptr ? own->as_string() : config["credsStore"].as_string();
}

/// Runs docker-credential-<helper> (github.com/docker/docker-credential-helpers).
Result<Output> run_helper(const std::string& helper, const char* verb, std::string_view input) {
  auto program = "docker-credential-" + helper;
  if (helper.find('/') != std::string::npos)
    return Error(ErrorCode::InvalidArgument, program + ": not the name of a program");
  Command command;
  command.argv = {program, verb};
  return run_and_capture(std::move(command), input).context("{} {}", program, verb);
}

std::string first_line(std::string_view text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_first_of("\r\n", begin) - begin));
}

Error helper_error(const std::string& helper, const char* verb, const Output& output) {
  auto text = first_line(output.out);
  if (text.empty()) text = first_line(output.err);
  return Error(ErrorCode::Unavailable, fmt::format("docker-credential-{} {}: {}", helper, verb,
                                                   text.empty() ? "it has failed" : text));
}

Result<std::optional<Credentials>> ask_helper(const std::string& helper, const std::string& key) {
  auto output = TRY(run_helper(helper, "get", key));
  if (!output.status.success()) {
    if (first_line(output.out) == kNotFound) return std::optional<Credentials>();
    return helper_error(helper, "get", output);
  }
  auto json = TRY(Json::parse(output.out).context("docker-credential-{} get", helper));
  Credentials found;
  if (json["Username"].as_string() == kTokenUser)
    found.identity_token = json["Secret"].as_string();
  else
    found = {json["Username"].as_string(), json["Secret"].as_string(), ""};
  return std::optional(std::move(found));
}

/// An element of `auths`.
std::optional<Credentials> decode_auth(const Json& auth) {
  Credentials found{auth["username"].as_string(), auth["password"].as_string(),
                    auth["identitytoken"].as_string()};
  if (auto plain = base64_decode(auth["auth"].as_string()); plain && !plain->empty()) {
    auto colon = plain->find(':');
    found.username = plain->substr(0, colon);
    if (colon != std::string::npos) found.password = plain->substr(colon + 1);
    while (found.password.ends_with('\0')) found.password.pop_back();
  }
  if (found.username.empty() && found.identity_token.empty()) return std::nullopt;
  return found;
}

/// "https://host/v1/" is "host", as docker compares keys.
std::string_view host_of_key(std::string_view key) {
  if (auto scheme = key.find("://"); scheme != std::string_view::npos)
    key.remove_prefix(scheme + 3);
  return key.substr(0, key.find('/'));
}

std::optional<Credentials> docker_auth(const Json& config, const std::string& key) {
  const auto& auths = config["auths"];
  if (const auto* exact = auths.find(key); exact != nullptr) return decode_auth(*exact);
  for (const auto& [other, auth] : auths.as_object())
    if (host_of_key(other) == host_of_key(key)) return decode_auth(auth);
  return std::nullopt;
}

std::optional<Credentials> podman_auth(const Json& config, std::string_view domain,
                                       std::string_view path) {
  std::string name = fmt::format("{}/{}", domain, path);
  for (;;) {
    if (const auto* auth = config["auths"].find(name); auth != nullptr) return decode_auth(*auth);
    auto slash = name.rfind('/');
    if (slash == std::string::npos) break;
    name.resize(slash);
  }
  return docker_auth(config, credentials_key(domain));
}

/// Takes a member out of an object; false if there was none.
bool take_out(Json& json, const std::string& section, const std::string& key) {
  Json::Object left;
  for (const auto& member : json[section].as_object())
    if (member.first != key) left.push_back(member);
  if (left.size() == json[section].size()) return false;
  json.set(section, Json(std::move(left)));
  return true;
}

}  // namespace

std::string credentials_key(std::string_view domain) {
  return std::string(domain == kHub ? kHubKey : domain);
}

std::string registry_of(std::string_view typed) {
  auto host = host_of_key(typed);
  bool is_hub =
      host.empty() || host == kHub || host == "index.docker.io" || host == "registry-1.docker.io";
  return std::string(is_hub ? kHub : host);
}

Result<std::optional<Credentials>> find_credentials(const Settings& settings,
                                                    std::string_view domain,
                                                    std::string_view path) {
  auto key = credentials_key(domain);
  auto config = TRY(read_config(settings.config_file));
  if (auto helper = helper_of(config, key); !helper.empty()) {
    auto found = TRY(ask_helper(helper, key));
    if (found) return found;
  }
  if (auto found = docker_auth(config, key)) return found;
  for (const auto& file : settings.auth_files) {
    auto podman = TRY(read_config(file));
    if (auto found = podman_auth(podman, domain, path)) return found;
  }
  return std::optional<Credentials>();
}

Result<StoredIn> store_credentials(const Settings& settings, std::string_view domain,
                                   const Credentials& credentials) {
  auto key = credentials_key(domain);
  auto config = TRY(read_config(settings.config_file));
  bool is_token = !credentials.identity_token.empty();
  if (auto helper = helper_of(config, key); !helper.empty()) {
    auto secret = is_token ? credentials.identity_token : credentials.password;
    auto user = is_token ? std::string(kTokenUser) : credentials.username;
    auto text = Json::object({{"ServerURL", key}, {"Username", user}, {"Secret", secret}}).dump();
    auto output = TRY(run_helper(helper, "store", text));
    if (!output.status.success()) return helper_error(helper, "store", output);
    return StoredIn{settings.config_file, false};
  }
  Json auth = Json::object();
  auth.set("auth", base64_encode(credentials.username + ':' +
                                 (is_token ? std::string() : credentials.password)));
  if (is_token) auth.set("identitytoken", credentials.identity_token);
  Json auths = config["auths"];
  auths.set(key, std::move(auth));
  config.set("auths", std::move(auths));
  TRY(write_config(settings.config_file, config));
  return StoredIn{settings.config_file, !is_token};
}

Result<bool> erase_credentials(const Settings& settings, std::string_view domain) {
  auto key = credentials_key(domain);
  auto config = TRY(read_config(settings.config_file));
  bool known = false;
  if (auto helper = helper_of(config, key); !helper.empty()) {
    known = TRY(ask_helper(helper, key)).has_value();
    auto output = TRY(run_helper(helper, "erase", key));
    if (!output.status.success() && first_line(output.out) != kNotFound)
      return helper_error(helper, "erase", output);
  }
  if (take_out(config, "auths", key)) {
    known = true;
    TRY(write_config(settings.config_file, config));
  }
  for (const auto& file : settings.auth_files) {
    auto podman = TRY(read_config(file));
    if (!take_out(podman, "auths", std::string(domain))) continue;
    known = true;
    TRY(write_config(file, podman));
  }
  return known;
}

}  // namespace strata::registry

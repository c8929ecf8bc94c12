#include "engine/build_secrets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/io.h"
#include "base/text.h"

namespace strata {
namespace {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Error bad_secret(std::string_view text, const std::string& why) {
  return Error(ErrorCode::InvalidArgument,
               fmt::format("could not parse secrets: [{}]: {}", text, why));
}

}  // namespace

Result<std::pair<std::string, build::SecretSource>> parse_secret(std::string_view text) {
  std::string id;
  std::string type;
  std::string source;
  std::string variable;
  for (auto field : split(text, ',')) {
    auto equals = field.find('=');
    if (equals == std::string_view::npos)
      return bad_secret(text, fmt::format("invalid field '{}' must be a key=value pair", field));
    auto key = field.substr(0, equals);
    std::string value(field.substr(equals + 1));
    if (key == "id")
      id = value;
    else if (key == "type" && (value == "file" || value == "env"))
      type = value;
    else if (key == "type")
      return bad_secret(text, fmt::format("unsupported secret type \"{}\"", value));
    else if (key == "source" || key == "src")
      source = value;
    else if (key == "env")
      variable = value;
    else
      return bad_secret(text, fmt::format("unexpected key '{}' in '{}'", key, field));
  }
  if (type == "env" && variable.empty()) {
    variable = source.empty() ? id : source;
    source.clear();
  }
  if (id.empty()) return bad_secret(text, "secret id is missing");
  if (!variable.empty()) {
    auto value = environment(variable);
    if (!value)
      return bad_secret(text, fmt::format("environment variable {} is not set", variable));
    return std::pair(id, build::SecretSource{"", std::move(value)});
  }
  if (source.empty() && type.empty())
    if (auto value = environment(id))
      return std::pair(id, build::SecretSource{"", std::move(value)});
  if (source.empty()) source = id;
  auto file = stat_at(AT_FDCWD, source);
  if (!file)
    return bad_secret(text, fmt::format("failed to stat {}: {}", source, file.error().message()));
  return std::pair(id, build::SecretSource{source, std::nullopt});
}

Result<std::pair<std::string, std::string>> parse_agent(std::string_view text) {
  auto equals = text.find('=');
  std::string id(text.substr(0, equals));
  if (id.empty()) id = "default";
  std::string path;
  if (equals != std::string_view::npos)
    path = text.substr(equals + 1);
  else
    path = environment("SSH_AUTH_SOCK").value_or("");
  if (path.empty())
    return Error(ErrorCode::InvalidArgument,
                 "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
  auto file = TRY(stat_at(AT_FDCWD, path).context("--ssh {}", text));
  if (!S_ISSOCK(file.st_mode))
    return Error(
        ErrorCode::Unsupported,
        fmt::format("--ssh {}: {} is no socket; add the key to an agent (ssh-add) and give the "
                    "agent's socket",
                    text, path));
  return std::pair(id, path);
}

}  // namespace strata

#include <algorithm>
#include <array>
#include <cctype>

#include "image/json.h"
#include "runtime/oci_runtime.h"

namespace strata {
namespace {

constexpr std::string_view kPrefix =
    "failed to create shim task: OCI runtime create failed: runc create failed: ";
constexpr std::string_view kExecPrefix = "OCI runtime exec failed: exec failed: ";
constexpr std::string_view kInit = "unable to start container process: ";

/// The message of one line of the log; empty if it is no error.
std::string error_of_line(std::string_view line) {
  if (!line.starts_with('{')) return std::string(line);  // crun's text format has errors only
  auto entry = Json::parse(line);
  if (!entry) return std::string(line);
  const auto& level = (*entry)["level"].as_string();
  if (level != "error" && level != "fatal") return "";
  return (*entry)["msg"].as_string();
}

/// Of several errors the last one is what ended the runtime.
std::string last_error(std::string_view log) {
  std::string last;
  while (!log.empty()) {
    auto end = log.find('\n');
    auto message = error_of_line(log.substr(0, end));
    if (!message.empty()) last = std::move(message);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
  }
  return last;
}

/// "a `b`: No such file" -> "a `b`: no such file", as Go spells system errors.
std::string with_go_errno(std::string message) {
  auto colon = message.rfind(": ");
  if (colon != std::string::npos) {
    char& c = message[colon + 2];
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return message;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// crun's words for a program that it cannot execute, in runc's.
std::string as_runc(const std::string& message, std::string_view argv0) {
  auto exec = [&](std::string_view why) {
    return fmt::format("{}exec: \"{}\": {}", kInit, argv0, why);
  };
  if (message.starts_with("executable file `") && contains(message, "not found")) {
    if (!contains(argv0, "/")) return exec("executable file not found in $PATH");
    return exec(fmt::format("stat {}: no such file or directory", argv0));
  }
  if (message.starts_with("open executable: ")) {
    if (contains(message, "ermission denied") || contains(message, "not permitted"))
      return exec("permission denied");
    return exec(fmt::format("stat {}", argv0) + with_go_errno(message.substr(15)));
  }
  if (message.starts_with("exec: ")) return std::string(kInit) + message;
  return with_go_errno(message);
}

/// The rule of docker's command line, which looks at the text.
int exit_code_for(std::string_view message) {
  if (contains(message, "executable file not found") ||
      contains(message, "no such file or directory"))
    return 127;
  return contains(message, "permission denied") ? 126 : 125;
}

}  // namespace

std::optional<RuntimeFailure> explain_failure(std::string_view log, std::string_view argv0,
                                              RuntimeCall call) {
  auto message = last_error(log);
  std::replace(message.begin(), message.end(), '\n', ' ');
  while (!message.empty() && message.back() == ' ') message.pop_back();
  if (message.empty()) return std::nullopt;
  for (std::string_view own : {"runc run failed: ", "runc create failed: ", "exec failed: "})
    if (message.starts_with(own)) message.erase(0, own.size());
  RuntimeFailure failure;
  failure.message = fmt::format("{}{}: unknown", call == RuntimeCall::Exec ? kExecPrefix : kPrefix,
                                as_runc(message, argv0));
  failure.exit_code = exit_code_for(failure.message);
  return failure;
}

}  // namespace strata

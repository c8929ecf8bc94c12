#include "registry/detail/answer.h"

#include "image/json.h"

namespace strata::registry::detail {
namespace {

constexpr std::size_t kShownBody = 300;  // bytes

/// Without control characters: it goes to a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, kShownBody)) {
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? ' ' : c;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

/// "MANIFEST_UNKNOWN" is "manifest unknown".
std::string words_of(std::string_view code) {
  std::string out;
  for (char c : code)
    out += c == '_' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return printable(out);
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
      return ErrorCode::Unauthorized;
    case 403:
      return ErrorCode::Forbidden;
    case 404:
      return ErrorCode::NotFound;
    default:
      return status >= 500 || status == 429 ? ErrorCode::Unavailable : ErrorCode::InvalidArgument;
  }
}

}  // namespace

Refusal read_refusal(const http::Answer& answer, std::string_view body) {
  auto json = Json::parse(body);
  if (json && json->is_object()) {
    const auto& errors = (*json)["errors"].as_array();
    if (!errors.empty() && !errors[0]["code"].as_string().empty()) {
      const auto& code = errors[0]["code"].as_string();
      const auto& message = errors[0]["message"].as_string();
      return {code, message.empty() ? words_of(code)
                                    : fmt::format("{}: {}", words_of(code), printable(message))};
    }
    // Token servers, and registries behind a gateway, have forms of their own.
    for (auto key : {"details", "error_description", "message", "error"})
      if (const auto& text = (*json)[key].as_string(); !text.empty())
        return {"", fmt::format("{}: {}", answer.code == 401 ? "unauthorized" : answer.status,
                                printable(text))};
  }
  if (answer.code >= 500 || body.empty())
    return {"", fmt::format("received unexpected HTTP status: {}", answer.status)};
  return {"",
          fmt::format("received unexpected HTTP status: {}: {}", answer.status, printable(body))};
}

Error refused(const http::Answer& answer, std::string_view body) {
  return Error(code_of(answer.code), read_refusal(answer, body).message);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace strata::registry::detail

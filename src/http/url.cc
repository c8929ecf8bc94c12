#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace strata::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 0x20) - 'a' + 10;
}

bool is_escape(std::string_view at) {
  return at.size() >= 3 && is_hex_digit(at[1]) && is_hex_digit(at[2]);
}

Error parse_error(std::string_view url, std::string_view why) {
  return Error(ErrorCode::InvalidArgument, fmt::format("parse \"{}\": {}", url, why));
}

/// Behind "//", up to the path, query or fragment.
std::string_view authority_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

Result<void> check_host(std::string_view url, std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    auto end = host.rfind(']');
    if (end == std::string_view::npos) return parse_error(url, "missing ']' in host");
    port = host.substr(end + 1);
  } else if (auto colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
  }
  bool good =
      port.empty() || (port[0] == ':' && std::all_of(port.begin() + 1, port.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; }));
  if (!good) return parse_error(url, fmt::format("invalid port \"{}\" after host", port));
  if (host.empty() || host.starts_with(':'))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Get \"{}\": http: no Host in request URL", url));
  return {};
}

}  // namespace

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '%' && is_escape(text.substr(i))) {
      out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view url) {
  for (char c : url)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return parse_error(url, "net/url: invalid control character in URL");
  if (url.find("://") == std::string_view::npos)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Get \"{}\": unsupported protocol scheme \"\"", url));
  std::string_view authority = authority_of(url);
  std::string_view rest =
      url.substr(static_cast<std::size_t>(authority.data() + authority.size() - url.data()));
  Url parts;
  auto at = authority.rfind('@');
  std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  TRY(check_host(url, host));
  parts.host = host;
  std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  for (auto i = path.find('%'); i != std::string_view::npos; i = path.find('%', i + 1))
    if (!is_escape(path.substr(i)))
      return parse_error(url, fmt::format("invalid URL escape \"{}\"", path.substr(i, 3)));
  parts.path = decode_percent(path);
  return parts;
}

std::string shown_url(std::string_view url) {
  std::string_view authority = authority_of(url);
  auto at = authority.rfind('@');
  auto colon = authority.find(':');
  if (at == std::string_view::npos || colon >= at) return std::string(url);
  auto begin = static_cast<std::size_t>(authority.data() - url.data());
  std::string out(url);
  return out.replace(begin + colon + 1, at - colon - 1, "***");
}

std::string escaped_url(std::string_view url) {
  std::string out;
  for (char c : url) {
    auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f)
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace strata::http

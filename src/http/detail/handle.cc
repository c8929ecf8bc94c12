#include "http/detail/handle.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "http/url.h"

namespace strata::http::detail {
namespace {

constexpr long kConnectSeconds = 30;  // as Go

/// HTTP/2 has no reason phrases; Go fills in those of its table.
constexpr struct {
  int code;
  const char* reason;
} kReasons[] = {
    {400, "Bad Request"},         {401, "Unauthorized"},
    {403, "Forbidden"},           {404, "Not Found"},
    {405, "Method Not Allowed"},  {406, "Not Acceptable"},
    {408, "Request Timeout"},     {410, "Gone"},
    {429, "Too Many Requests"},   {500, "Internal Server Error"},
    {501, "Not Implemented"},     {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"},
};

/// The first of two variables that says something; "" if neither does.
std::string environment(const char* first, const char* second) {
  for (const char* name : {first, second})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return "";
}

/// Without the host of this machine, which Go never reaches through a proxy.
std::string no_proxy() {
  std::string hosts = "localhost,127.0.0.0/8,::1";
  auto others = environment("NO_PROXY", "no_proxy");
  if (others.empty()) return hosts;
  return others == "*" ? others : hosts + ',' + others;
}

/// The proxy for a URL. libcurl alone would not look at HTTP_PROXY in capitals.
std::string proxy_of(std::string_view url) {
  return url.starts_with("https://") ? environment("HTTPS_PROXY", "https_proxy")
                                     : environment("HTTP_PROXY", "http_proxy");
}

std::string error_text(int number) {
  std::array<char, 256> buffer{};
  std::string text = ::strerror_r(number, buffer.data(), buffer.size());
  return lower_case(text.substr(0, 1)) + text.substr(1);
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

std::string full_status(int code, std::string_view status) {
  std::string full(status);
  if (full.find(' ') == std::string::npos)
    for (const auto& known : kReasons)
      if (known.code == code) full += fmt::format(" {}", known.reason);
  return full;
}

Handle::~Handle() {
  if (easy_ != nullptr) curl_.cleanup(easy_);
}

Result<void> Handle::open() {
  easy_ = curl_.init();
  if (easy_ == nullptr) return Error(ErrorCode::System, "libcurl: cannot allocate memory");
  return {};
}

void Handle::prepare(const std::string& url) {
  curl_.reset(easy_);
  error_buffer_[0] = '\0';
  set(CURLOPT_URL, escaped_url(url).c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_USERAGENT, "strata/" STRATA_VERSION);
  set(CURLOPT_NOPROXY, no_proxy().c_str());
  set(CURLOPT_PROXY, proxy_of(url).c_str());  // "": none
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
    set(CURLOPT_CAINFO, file);
  set(CURLOPT_ERRORBUFFER, error_buffer_.data());
  set(CURLOPT_OPENSOCKETFUNCTION, &Handle::on_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
}

curl_socket_t Handle::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
  static_cast<Handle*>(self)->remember(*address);
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void Handle::remember(const curl_sockaddr& address) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(&address.addr, address.addrlen, host.data(), host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return;
  std::string name = host.data();
  if (address.family == AF_INET6) name = '[' + name + ']';
  address_ = fmt::format("{}:{}", name, port.data());
}

/// The words of Go where libcurl means the same.
std::string Handle::tls_error() const {
  std::string_view text = error_buffer_.data();
  auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("local issuer") || has("self-signed") || has("self signed"))
    return "x509: certificate signed by unknown authority";
  if (has("expired")) return "x509: certificate has expired or is not yet valid";
  if (has("wrong version number") || has("packet length too long"))
    return "http: server gave HTTP response to HTTPS client";
  return std::string(text);
}

Error Handle::error(CURLcode code, std::string_view verb, const std::string& url) const {
  auto failed = [&](std::string_view why) {
    return Error(ErrorCode::Unavailable, fmt::format("{} \"{}\": {}", verb, shown_url(url), why));
  };
  auto dial = [&](std::string_view why) {
    return failed(fmt::format("dial tcp {}: {}", address_, why));
  };
  long number = 0;
  curl_.getinfo(easy_, CURLINFO_OS_ERRNO, &number);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: {
      auto parts = parse_url(url);
      std::string host = parts ? parts->host.substr(0, parts->host.rfind(':')) : "";
      return failed(fmt::format("dial tcp: lookup {}: no such host", host));
    }
    case CURLE_COULDNT_CONNECT:
      return dial("connect: " + error_text(number != 0 ? static_cast<int>(number) : ECONNREFUSED));
    case CURLE_OPERATION_TIMEDOUT:
      return dial("i/o timeout");
    case CURLE_GOT_NOTHING:
      return failed("EOF");
    case CURLE_PARTIAL_FILE:
      return Error(ErrorCode::Unavailable, "unexpected EOF");
    default: {
      auto tls = tls_error();
      return failed(tls.empty() ? curl_.strerror(code) : tls);
    }
  }
}

}  // namespace strata::http::detail

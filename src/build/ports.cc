#include "build/ports.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace strata::build {
namespace {

/// 0 to 65535, or -1.
int parse_port(std::string_view text) {
  int value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) return -1;
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

int real_time_signal(std::string_view name) {
  int base = name.starts_with("RTMIN") ? SIGRTMIN : name.starts_with("RTMAX") ? SIGRTMAX : 0;
  if (base == 0) return 0;
  name.remove_prefix(5);
  if (name.empty()) return base;
  int offset = parse_port(name.substr(1));
  if (offset < 0 || name[0] != (base == SIGRTMIN ? '+' : '-')) return 0;
  int signal = base == SIGRTMIN ? base + offset : base - offset;
  return signal >= SIGRTMIN && signal <= SIGRTMAX ? signal : 0;
}

}  // namespace

Result<std::vector<std::string>> parse_exposed_port(std::string_view word) {
  auto slash = word.find('/');
  std::string protocol = slash == std::string_view::npos ? "tcp" : lower(word.substr(slash + 1));
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
    return Error(ErrorCode::InvalidArgument, fmt::format("Invalid proto: {}", protocol));
  auto ports = word.substr(0, slash);
  if (auto colon = ports.rfind(':'); colon != std::string_view::npos)
    ports.remove_prefix(colon + 1);
  if (ports.empty())
    return Error(ErrorCode::InvalidArgument, fmt::format("No port specified: {}<empty>", word));
  auto dash = ports.find('-');
  int first = parse_port(ports.substr(0, dash));
  int last = dash == std::string_view::npos ? first : parse_port(ports.substr(dash + 1));
  if (first < 0 || last < first)
    return Error(ErrorCode::InvalidArgument, fmt::format("Invalid containerPort: {}", ports));
  std::vector<std::string> out;
  for (int port = first; port <= last; port++) out.push_back(fmt::format("{}/{}", port, protocol));
  return out;
}

Result<int> parse_stop_signal(std::string_view text) {
  Error bad(ErrorCode::InvalidArgument, fmt::format("Invalid signal: {}", text));
  int number = parse_port(text);
  if (number >= 0) {
    if (number == 0 || number > SIGRTMAX) return bad;
    return number;
  }
  std::string name = lower(text);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (name.starts_with("SIG")) name.erase(0, 3);
  if (int signal = real_time_signal(name)) return signal;
  for (int signal = 1; signal < 32; signal++) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return bad;
}

}  // namespace strata::build

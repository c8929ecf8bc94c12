#include "build/agent_relay.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/io.h"
#include "base/process.h"

namespace strata::build {
namespace {

constexpr std::size_t kMaxConnections = 64;

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error(ErrorCode::InvalidArgument, "path of a socket is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> connect_to(const std::string& path) {
  auto address = TRY(socket_address(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return Error::from_errno(errno, "connect to ssh agent " + path);
  return fd;
}

/// A container's connection and the one to the agent. The protocol is questions and answers, small
/// ones, so one buffer and blocking writes do.
struct Pair {
  UniqueFd container;
  UniqueFd agent;
};

/// False at the end of `from`, or if `to` does not take it.
bool carry(int from, int to) {
  std::array<char, 16384> buffer;
  ssize_t n = ::read(from, buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return true;
  for (ssize_t done = 0; done < n;) {
    ssize_t sent =
        ::send(to, buffer.data() + done, static_cast<std::size_t>(n - done), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    done += sent;
  }
  return n > 0;
}

void relay(int listener, int stop, const std::string& agent) {
  std::vector<Pair> pairs;
  for (;;) {
    std::vector<pollfd> fds = {{stop, POLLIN, 0}, {listener, POLLIN, 0}};
    if (pairs.size() >= kMaxConnections) fds[1].fd = -1;
    for (const auto& pair : pairs) {
      fds.push_back({pair.container.get(), POLLIN, 0});
      fds.push_back({pair.agent.get(), POLLIN, 0});
    }
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    for (std::size_t i = pairs.size(); i-- > 0;) {
      bool open = true;
      const auto& pair = pairs[i];
      if (fds[2 + 2 * i].revents != 0) open = carry(pair.container.get(), pair.agent.get());
      if (open && fds[3 + 2 * i].revents != 0) open = carry(pair.agent.get(), pair.container.get());
      if (!open) pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (fds[1].revents == 0) continue;
    UniqueFd container(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    auto own = connect_to(agent);
    if (container && own) pairs.push_back({std::move(container), *std::move(own)});
  }
}

}  // namespace

Result<AgentRelay> AgentRelay::listen(int dir, const std::string& name, const std::string& agent) {
  (void)TRY(connect_to(agent));  // better now than in the middle of the container's work
  auto address = TRY(socket_address(fmt::format("/proc/self/fd/{}/{}", dir, name)));
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return Error::from_errno(errno, "socket");
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener.get(), 8) < 0)
    return Error::from_errno(errno, "listen on " + name);
  auto stop = TRY(make_pipe());
  std::thread thread([listener = std::move(listener), end = std::move(stop.read), agent] {
    relay(listener.get(), end.get(), agent);
  });
  return AgentRelay(std::move(stop.write), std::move(thread));
}

AgentRelay::~AgentRelay() {
  if (!thread_.joinable()) return;
  stop_ = UniqueFd();
  thread_.join();
}

}  // namespace strata::build

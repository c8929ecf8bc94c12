#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "base/fd.h"

namespace strata::http::detail {

/// For tests: listens on a free port of the loopback device, which decides nothing about what is
/// answered.
class Loopback {
 public:
  Loopback() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  /// The next connection; an invalid descriptor behind close().
  UniqueFd accept() const { return UniqueFd(::accept(listener_.get(), nullptr, nullptr)); }
  void close() const { ::shutdown(listener_.get(), SHUT_RDWR); }

 private:
  UniqueFd listener_;
  int port_ = 0;
};

}  // namespace strata::http::detail

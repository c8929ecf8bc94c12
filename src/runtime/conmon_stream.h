#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace strata {

/// One more who looks at a container under conmon(8): what its program writes from now on, and a
/// way to its stdin. conmon serves any number of them on the socket `<bundle>/attach`, packets
/// whose first byte names the stream (conmon, src/conn_sock.c). One thread at a time.
class ConmonStream {
 public:
  /// NotFound if no conmon listens there: the container has ended, or runs in the foreground.
  static Result<ConmonStream> connect(const std::string& bundle);

  /// To be polled for output and for the end. Borrowed.
  int fd() const { return socket_.get(); }

  struct Output {
    bool is_stderr = false;
    std::string_view bytes;  // valid until the next read()
  };
  /// The next output, waiting for it; nullopt once the container's output has ended.
  Result<std::optional<Output>> read();
  /// To the stdin of a container that was made with one; nothing happens without.
  Result<void> write(std::string_view bytes);
  /// The new size of the container's terminal. Nothing happens without one.
  void resize(unsigned rows, unsigned columns);

 private:
  ConmonStream(UniqueFd bundle, UniqueFd socket)
      : bundle_(std::move(bundle)), socket_(std::move(socket)) {}

  static constexpr std::size_t kPacket = 8192 + 1;  // bytes: conmon's buffer and the stream

  UniqueFd bundle_;
  UniqueFd socket_;
  std::array<char, kPacket> packet_;
};

}  // namespace strata

#include "copy/wire.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "image/go_quote.h"

namespace strata::copy {
namespace {

constexpr std::size_t kHead = 5;
constexpr int kPollMs = 50;

std::string_view kind_name(char kind) {
  switch (kind) {
    case 'H':
      return "greeting";
    case 'I':
    case 'O':
      return "offer";
    case 'N':
      return "request";
    case 'D':
    case 'E':
      return "layer";
    case 'R':
      return "result";
    default:
      return "frame";
  }
}

/// One line that can go to a terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

}  // namespace

/// False at the end.
Result<bool> Wire::read_exactly(char* buffer, std::size_t size) {
  while (size > 0) {
    pollfd ready = {in_, POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    if (ready.revents == 0) continue;
    auto n = ::read(in_, buffer, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return Error::from_errno(errno, "read");
    if (n == 0) return false;
    buffer += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

Result<void> Wire::send(char kind, std::string_view content) {
  if (content.size() > kMaxFrame)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("a {} is larger than {} bytes", kind_name(kind), kMaxFrame));
  std::string head(1, kind);
  for (int shift = 24; shift >= 0; shift -= 8)
    head += static_cast<char>((content.size() >> shift) & 0xff);
  TRY(write_all(out_, head));
  return write_all(out_, content);
}

Result<Frame> Wire::receive() {
  std::string head(kHead, '\0');
  if (!TRY(read_exactly(head.data(), kHead))) return Error(ErrorCode::Corrupt, "unexpected EOF");
  Frame frame;
  frame.kind = head[0];
  std::size_t size = 0;
  for (std::size_t i = 1; i < kHead; i++) size = size << 8 | static_cast<unsigned char>(head[i]);
  if (size > kMaxFrame || std::string_view("HIONDERX").find(frame.kind) == std::string_view::npos)
    return Error(ErrorCode::Corrupt,
                 fmt::format("what comes is no frame of strata send: {}", go_quote(head)));
  frame.content.resize(size);
  if (!TRY(read_exactly(frame.content.data(), size)))
    return Error(ErrorCode::Corrupt, "unexpected EOF");
  if (frame.kind == 'X')
    return Error(ErrorCode::Unavailable, "the other side: " + printable(std::move(frame.content)));
  return frame;
}

Result<std::string> Wire::expect(char kind) {
  auto frame = TRY(receive());
  if (frame.kind != kind)
    return Error(ErrorCode::Corrupt,
                 fmt::format("a {} came in place of a {}", kind_name(frame.kind), kind_name(kind)));
  return std::move(frame.content);
}

}  // namespace strata::copy

#include "engine/url_source.h"

#include <optional>
#include <thread>
#include <utility>

#include "base/io.h"
#include "base/process.h"
#include "http/client.h"
#include "http/url.h"

namespace strata {
namespace {

class UrlSource final : public ByteSource {
 public:
  UrlSource(std::string url, std::function<void(bool)> begun, const std::stop_token& stop)
      : url_(std::move(url)),
        begun_(std::move(begun)),
        follow_(stop, [this] { own_stop_.request_stop(); }) {}
  ~UrlSource() override {
    own_stop_.request_stop();
    pipe_.read = UniqueFd();  // a transfer that waits for room in the pipe ends, too
  }

  Result<std::size_t> read(std::span<char> buffer) override {
    if (!thread_.joinable() && !done_) TRY(start());
    if (pipe_.read) {
      std::size_t n = TRY(FdSource(pipe_.read.get()).read(buffer));
      if (n > 0 || buffer.empty()) return n;
      pipe_.read = UniqueFd();
      thread_.join();
      done_ = true;
    }
    if (error_) return *std::exchange(error_, std::nullopt);
    return std::size_t{0};
  }

 private:
  Result<void> start() {
    pipe_ = TRY(make_pipe());
    thread_ = std::jthread([this] { fetch(); });
    return {};
  }

  void fetch() {
    int to = pipe_.write.get();
    auto head = [this](const http::Response& response) {
      begun_(response.length.has_value());
      return Result<void>();
    };
    http::Receiver receiver{head, [to](std::string_view bytes) { return write_all(to, bytes); }};
    auto done = http::get(url_, receiver, own_stop_.get_token());
    if (!done) error_ = std::move(done).error();
    pipe_.write = UniqueFd();  // the reader sees the end, and then the error
  }

  std::string url_;
  std::function<void(bool)> begun_;
  std::stop_source own_stop_;
  std::stop_callback<std::function<void()>> follow_;
  Pipe pipe_;
  std::optional<Error> error_;
  bool done_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

bool is_remote(std::string_view text) { return http::is_url(text); }

std::unique_ptr<ByteSource> open_url(std::string url, std::function<void(bool knows_length)> begun,
                                     const std::stop_token& stop) {
  return std::make_unique<UrlSource>(std::move(url), std::move(begun), stop);
}

}  // namespace strata

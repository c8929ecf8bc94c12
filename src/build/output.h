#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace strata::build {

/// The lines of a build in the order of its steps, although the ID of a step is known only after
/// the next one has begun: a slot is a hole in the text, and what comes behind it waits until it is
/// filled. Any thread.
class OrderedOutput {
 public:
  using Sink = std::function<void(std::string_view)>;
  using Slot = std::shared_ptr<std::string>;

  explicit OrderedOutput(Sink sink) : sink_(std::move(sink)) {}

  void write(std::string_view text);
  /// A hole at the present end of the text.
  Slot reserve();
  /// Fills it; everything up to the next hole goes to the sink.
  void fill(const Slot& slot, std::string_view text);

 private:
  struct Piece {
    Slot slot;  // null for plain text
    std::string text;
    bool filled = false;
  };
  void flush();  // under mutex_

  Sink sink_;
  std::mutex mutex_;  // guards pieces_ and the order of calls of sink_
  std::deque<Piece> pieces_;
};

/// The text of several stages that run at once, in the order of the file: that of the first one
/// that has not ended goes to the sink as it comes, that of the others waits. Any thread.
class StagedOutput {
 public:
  using Sink = OrderedOutput::Sink;
  StagedOutput(Sink sink, std::size_t parts) : sink_(std::move(sink)), parts_(parts) {}

  /// Takes the text of one part.
  Sink part(std::size_t index);
  /// Nothing more comes to it.
  void close(std::size_t index);
  /// Gives out what has come so far, part by part: some of it will never be closed.
  void close_all();

 private:
  struct Part {
    std::string text;
    bool closed = false;
  };
  void give_out();  // under mutex_

  Sink sink_;
  std::mutex mutex_;  // guards what follows and the order of calls of sink_
  std::vector<Part> parts_;
  std::size_t current_ = 0;  // the first part that is not closed
};

/// What goes to stderr is red on docker's stdout.
std::string red(std::string_view text);

}  // namespace strata::build

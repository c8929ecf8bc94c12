#include "build/output.h"

#include <algorithm>

namespace strata::build {

std::string red(std::string_view text) { return "\x1b[91m" + std::string(text) + "\x1b[0m"; }

void OrderedOutput::write(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (pieces_.empty()) {
    sink_(text);
  } else if (pieces_.back().slot) {
    pieces_.push_back({nullptr, std::string(text), true});
  } else {
    pieces_.back().text += text;
  }
}

OrderedOutput::Slot OrderedOutput::reserve() {
  std::lock_guard lock(mutex_);
  auto slot = std::make_shared<std::string>();
  pieces_.push_back({slot, {}, false});
  return slot;
}

void OrderedOutput::fill(const Slot& slot, std::string_view text) {
  std::lock_guard lock(mutex_);
  auto piece =
      std::find_if(pieces_.begin(), pieces_.end(), [&](const Piece& p) { return p.slot == slot; });
  if (piece == pieces_.end()) return;
  piece->text = text;
  piece->filled = true;
  flush();
}

void OrderedOutput::flush() {
  for (; !pieces_.empty() && pieces_.front().filled; pieces_.pop_front())
    if (!pieces_.front().text.empty()) sink_(pieces_.front().text);
}

StagedOutput::Sink StagedOutput::part(std::size_t index) {
  return [this, index](std::string_view text) {
    std::lock_guard lock(mutex_);
    if (index == current_)
      sink_(text);
    else
      parts_[index].text += text;
  };
}

void StagedOutput::close(std::size_t index) {
  std::lock_guard lock(mutex_);
  parts_[index].closed = true;
  give_out();
}

void StagedOutput::close_all() {
  std::lock_guard lock(mutex_);
  for (auto& part : parts_) part.closed = true;
  give_out();
}

void StagedOutput::give_out() {
  while (current_ < parts_.size()) {
    auto& part = parts_[current_];
    if (!part.text.empty()) sink_(part.text);
    part.text.clear();
    if (!part.closed) return;
    current_++;
  }
}

}  // namespace strata::build

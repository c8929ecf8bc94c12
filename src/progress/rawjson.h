#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "image/json.h"
#include "progress/event.h"

namespace strata::progress {

/// One JSON object per event and line, for programs; docs/progress.md describes them. Bytes that
/// are no UTF-8 become U+FFFD; a character that a RUN wrote in two pieces stays whole.
class RawJson {
 public:
  using Write = std::function<void(std::string_view)>;

  explicit RawJson(Write write) : write_(std::move(write)) {}

  void operator()(const Event& event);

 private:
  void put(const Event& event, std::string_view name, Json::Object members);
  void output(const Event& event, const Output& o);
  void flush(const Event& event, std::size_t step);

  Write write_;
  std::map<std::pair<std::size_t, bool>, std::string> cut_;  // the start of a character
  std::map<std::size_t, std::chrono::milliseconds> copied_;  // when that was told last
};

}  // namespace strata::progress

#pragma once

#include <memory>
#include <string>

#include "progress/event.h"

namespace strata {

/// The whole output of one build in a file, whatever is shown: ROOT/strata/logs/build-<UTC
/// time>-<8 digits>.log, in the form of progress::Plain. The last 20 are kept.
class BuildLog {
 public:
  static constexpr std::size_t kKept = 20;

  /// `own_dir` is ROOT/strata, `root` the path of ROOT. A log that cannot be made is no reason not
  /// to build: then path() is empty and nothing is written.
  BuildLog(int own_dir, const std::string& root);
  ~BuildLog();
  BuildLog(const BuildLog&) = delete;
  BuildLog& operator=(const BuildLog&) = delete;

  const std::string& path() const { return path_; }
  void operator()(const progress::Event& event);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string path_;
};

}  // namespace strata

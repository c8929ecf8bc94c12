#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "build/step_cache.h"
#include "image/config.h"
#include "progress/event.h"
#include "store/layer_writer.h"
#include "store/store.h"

namespace strata::build {

/// The image that a stage has come to.
struct StageImage {
  std::optional<ImageID> id;  // none behind `FROM scratch`
  ImageConfig config;
};

/// How docker's history shows a step: the words that were run, joined by blanks.
std::string created_by(const RunConfig& container_config);

/// The ChainID of an image's top layer, if it has any.
std::optional<ChainID> top_chain(const ImageConfig& config);

/// One finished step that shall become an image.
struct Commit {
  RunConfig config = {};            // of the image; its `image` is filled in
  RunConfig container_config = {};  // of the step: what a later build is compared with
  std::string author = {};
  std::optional<LayerWriter> layer = {};  // of steps that may have changed files
  std::optional<LayerInfo> reused = {};   // or this one, which exists
  /// What the second cache shall know the result by, and know that there is a result by
  /// (step_cache.h); empty: nothing.
  std::string material = {};
  std::string hint = {};
  std::optional<std::size_t> step = {};  // that it ends; none for triggers of ONBUILD
};

/// Turns the finished steps of one stage into images, in order, on a thread of its own: while it
/// hashes the layer of step N, step N+1 runs. Each image becomes the parent of the next.
class Committer {
 public:
  /// `epoch`: what the images have as the time of their making; none: the clock. `record` is told
  /// the results of steps that were run; may be empty.
  using Record = std::function<void(StepRecord)>;
  Committer(const Store& store, progress::Report& report, StageImage start,
            std::optional<Time> epoch, Record record);
  /// Waits for the thread; what was not begun by then is dropped.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  void add(Commit commit);

  /// Waits until every step is an image and gives the last one, or the first error. After an error
  /// nothing more is committed.
  Result<StageImage> flush();

  /// The top layer, unless a step is still being committed: it is not waited for.
  struct Top {
    std::optional<ChainID> chain;
  };
  std::optional<Top> top();

 private:
  void work(std::stop_token stop);
  Result<void> commit(Commit& c);
  Result<std::optional<LayerInfo>> take_layer(Commit& c);

  const Store& store_;
  progress::Report& report_;
  std::optional<Time> epoch_;
  Record record_;
  StageImage image_;              // of the thread; read by others only when it is idle
  std::optional<ChainID> chain_;  // top layer of image_

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::deque<Commit> queue_;
  bool busy_ = false;
  std::optional<Error> error_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace strata::build

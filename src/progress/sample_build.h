#pragma once

#include <string>

#include "progress/event.h"

namespace strata::progress {

/// A build for the tests of what shows builds: two stages that run at once and one that nobody
/// needs, with a RUN that writes on both streams and a step from the cache.

inline ImageID sample_id(char digit) {
  return ImageID(*Digest::parse("sha256:" + std::string(64, digit)));
}

inline Planned sample_plan() {
  return {{{"tools", true}, {"stage-1", false}, {"stage-2", true}},
          {{{}, 1, "ARG V=1", 1},
           {0, 1, "FROM base AS tools", 2},
           {0, 2, "RUN make", 3},
           {1, 1, "FROM other", 5},
           {2, 1, "FROM base", 7},
           {2, 2, "COPY --from=tools /a /a", 8},
           {2, 3, "LABEL a=b", 0}}};
}

/// Tells it with a time of its own: 100 ms from one event to the next.
template <class Sink>
void tell_sample_build(Sink&& sink) {
  std::chrono::milliseconds at{0};
  auto tell = [&](What what) {
    sink(Event{at, std::move(what)});
    at += std::chrono::milliseconds(100);
  };
  tell(ContextSent{5120});
  tell(sample_plan());
  tell(StepStarted{0});
  tell(StepDone{0, {}});
  tell(StepSkipped{3});
  tell(StepStarted{1});
  tell(StepStarted{4});
  tell(StepDone{1, sample_id('1')});
  tell(StepDone{4, sample_id('1')});
  tell(StepStarted{2});
  tell(ContainerStarted{2, "cccccccccccc"});
  tell(Output{2, false, "one\nhalf"});
  tell(StepStarted{5});
  tell(StepCached{5});
  tell(StepDone{5, sample_id('3')});
  tell(Output{2, true, " a line\n"});
  tell(ContainerRemoved{2, "cccccccccccc"});
  tell(StepDone{2, sample_id('2')});
  tell(StepStarted{6});
  tell(ContainerStarted{6, "dddddddddddd"});
  tell(ContainerRemoved{6, "dddddddddddd"});
  tell(StepDone{6, sample_id('4')});
  tell(Built{sample_id('4')});
  tell(Tagged{"app:latest"});
  tell(Ended{});
}

}  // namespace strata::progress

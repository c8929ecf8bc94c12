#include "progress/plain.h"

#include <gtest/gtest.h>

#include "progress/sample_build.h"

namespace strata::progress {
namespace {

using std::chrono::milliseconds;

TEST(Plain, IsLikeBuildKits) {
  std::string seen;
  Plain plain([&](std::string_view text) { seen += text; });
  tell_sample_build([&](const Event& event) { plain(event); });
  EXPECT_EQ(
      seen,
      "#1 [internal] load build context\n"
      "#1 transferring context: 5.12kB done\n"
      "#1 DONE 0.0s\n"
      "\n"
      "#2 [tools 1/2] FROM base AS tools\n"
      "#2 DONE 0.2s\n"
      "\n"
      "#3 [stage-2 1/3] FROM base\n"
      "#3 DONE 0.2s\n"
      "\n"
      "#4 [tools 2/2] RUN make\n"
      "#4 0.200 one\n"
      "#4 0.600  a line\n"
      "#4 0.800 half\n"
      "#4 DONE 0.8s\n"
      "\n"
      "#5 [stage-2 2/3] COPY --from=tools /a /a\n"
      "#5 CACHED\n"
      "\n"
      "#6 [stage-2 3/3] LABEL a=b\n"
      "#6 DONE 0.3s\n"
      "\n"
      "#7 exporting to image\n"
      "#7 writing image sha256:4444444444444444444444444444444444444444444444444444444444444444"
      " done\n"
      "#7 naming to app:latest done\n"
      "#7 DONE 0.2s\n"
      "\n");
}

TEST(Plain, StepsTakeTurnsWhenOneIsLong) {
  std::string seen;
  Plain plain([&](std::string_view text) { seen += text; });
  plain({milliseconds(0), sample_plan()});
  plain({milliseconds(0), StepStarted{2}});
  plain({milliseconds(0), StepStarted{5}});
  plain({milliseconds(100), Output{2, false, "a\n"}});
  plain({milliseconds(200), Output{5, false, "b\n"}});
  EXPECT_EQ(seen, "#1 [tools 2/2] RUN make\n#1 0.100 a\n");
  plain({milliseconds(5100), Output{5, false, "c\n"}});
  EXPECT_EQ(seen,
            "#1 [tools 2/2] RUN make\n#1 0.100 a\n#1 ...\n\n"
            "#2 [stage-2 2/3] COPY --from=tools /a /a\n#2 0.200 b\n#2 5.100 c\n");
}

TEST(Plain, AFailureIsToldAndTheRestIsCancelled) {
  std::string seen;
  Plain plain([&](std::string_view text) { seen += text; });
  plain({milliseconds(0), sample_plan()});
  plain({milliseconds(0), StepStarted{2}});
  plain({milliseconds(0), StepStarted{5}});
  plain({milliseconds(10), StepFailed{2, "it broke", 3}});
  plain({milliseconds(20), Ended{"it broke"}});
  EXPECT_EQ(seen,
            "#1 [tools 2/2] RUN make\n#1 ERROR: it broke\n\n"
            "#2 [stage-2 2/3] COPY --from=tools /a /a\n#2 CANCELED\n\n");
}

TEST(Plain, OneStageNeedsNoName) {
  StepTitles titles;
  titles.plan({{{"stage-0", false}, {"app", true}},
               {{0, 1, "FROM x", 1}, {1, 1, "FROM a", 2}, {1, 2, "RUN <<E\nbody\nE", 3}}});
  EXPECT_EQ(titles.title(1), "[1/2] FROM a");
  EXPECT_EQ(titles.title(2), "[2/2] RUN <<E");
}

TEST(LineCutter, ReturnsEndLinesToo) {
  std::string seen;
  LineCutter cutter;
  auto line = [&](std::string_view one) { seen.append(one).append("|"); };
  cutter.add("10%\r20", line);
  cutter.add("%\r", line);
  cutter.add("\ndone\r\n\nx", line);
  EXPECT_EQ(seen, "10%|20%|done||");
  cutter.finish(line);
  EXPECT_EQ(seen, "10%|20%|done||x|");
}

}  // namespace
}  // namespace strata::progress

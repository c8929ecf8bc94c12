#include "cli/build_view.h"

#include <gtest/gtest.h>

#include "cli/build_display.h"
#include "cli/terminal.h"
#include "progress/sample_build.h"

namespace strata::cli {
namespace {

using std::chrono::milliseconds;

std::string picture(const std::vector<BuildView::Line>& lines) {
  std::string text;
  for (const auto& line : lines) text += line.text + "\n";
  return text;
}

TEST(BuildView, ShowsStagesStepsAndTimes) {
  BuildView view;
  progress::tell_sample_build([&](const progress::Event& event) {
    if (event.at < milliseconds(1300)) view(event);
  });
  EXPECT_EQ(picture(view.frame(milliseconds(1500), 60, 20)),
            "[+] Building 1.5s (2/5)\n"
            " => [internal] load build context: 5.12kB               0.0s\n"
            " => [tools 1/2] FROM base AS tools                      0.2s\n"
            " => [stage-2 1/3] FROM base                             0.2s\n"
            " => [tools 2/2] RUN make                                0.6s\n"
            " => => # one\n"
            " => [stage-2 2/3] COPY --from=tools /a /a               0.3s\n");
}

TEST(BuildView, TheEndShowsEverything) {
  BuildView view;
  progress::tell_sample_build([&](const progress::Event& event) { view(event); });
  EXPECT_TRUE(view.ended());
  EXPECT_EQ(picture(view.frame(milliseconds(99999), 50, 0)),
            "[+] Building 2.4s (5/5) FINISHED\n"
            " => [internal] load build context: 5.12kB     0.0s\n"
            " => [tools 1/2] FROM base AS tools            0.2s\n"
            " => [stage-2 1/3] FROM base                   0.2s\n"
            " => [tools 2/2] RUN make                      0.8s\n"
            " => CACHED [stage-2 2/3] COPY --from=tools /a 0.2s\n"
            " => [stage-2 3/3] LABEL a=b                   0.3s\n"
            " => writing image sha256:44444444444444444444 0.0s\n"
            " => naming to app:latest                      0.0s\n");
}

TEST(BuildView, LeavesOutWhatHasEndedWhenThereIsNoRoom) {
  BuildView view;
  progress::tell_sample_build([&](const progress::Event& event) {
    if (event.at < milliseconds(1300)) view(event);
  });
  auto frame = view.frame(milliseconds(1500), 40, 3);
  ASSERT_EQ(frame.size(), 3U);
  EXPECT_EQ(frame[1].text, " => [tools 2/2] RUN make            0.6s");
  EXPECT_EQ(frame[2].text, " => [stage-2 2/3] COPY --from=tools 0.3s");
  for (int columns = 1; columns < 50; columns++)
    for (const auto& line : view.frame(milliseconds(1500), columns, 4))
      EXPECT_LE(text_width(line.text), static_cast<std::size_t>(columns));
}

TEST(BuildView, AFailedStepIsMarked) {
  BuildView view;
  view({milliseconds(0), progress::sample_plan()});
  view({milliseconds(0), progress::StepStarted{2}});
  view({milliseconds(300), progress::Copied{2, 2500000}});
  view({milliseconds(400), progress::StepFailed{2, "no", 1}});
  view({milliseconds(500), progress::Ended{"no"}});
  auto frame = view.frame(milliseconds(0), 50, 0);
  ASSERT_EQ(frame.size(), 2U);
  EXPECT_EQ(frame[0].text, "[+] Building 0.5s (0/5) FAILED");
  EXPECT_EQ(frame[1].text, " => ERROR [tools 2/2] RUN make: 2.5MB         0.4s");
  EXPECT_EQ(frame[1].style, BuildView::Style::Failed);
}

TEST(Terminal, FitCountsColumns) {
  EXPECT_EQ(fit("a\tb\x1b[31mred\x1b[0m\x07", 10), "a bred");
  EXPECT_EQ(fit("\u65e5\u672c\u8a9e", 5), "\u65e5\u672c");
  EXPECT_EQ(fit("e\u0301e", 1), "e\u0301");
  EXPECT_EQ(text_width("\u65e5e\u0301"), 3U);
  EXPECT_EQ(fit("\x1b[", 5), "");
  EXPECT_EQ(fit("\x1b", 5), "");
}

TEST(FailureText, PointsAtTheInstruction) {
  EXPECT_EQ(failure_text({"Dockerfile", 7, "  RUN make && \\\n    false\n"}, {}, "/x.log"),
            "Dockerfile:7:\n"
            "    7 |   RUN make && \\\n"
            "      |   ^^^^^^^^^^^^^\n"
            "    8 |     false\n"
            "the whole output: /x.log\n");
  EXPECT_EQ(failure_text({"D", 1, "RUN x\n"}, {"one", "\x1b[1mtwo"}, ""),
            "D:1:\n"
            "    1 | RUN x\n"
            "      | ^^^^^\n"
            "its last output:\n"
            "    one\n"
            "    two\n");
}

}  // namespace
}  // namespace strata::cli

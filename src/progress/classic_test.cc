#include "progress/classic.h"

#include <gtest/gtest.h>

#include "progress/sample_build.h"

namespace strata::progress {
namespace {

TEST(Classic, IsDockersOutput) {
  std::string seen;
  tell_sample_build([classic = Classic([&](std::string_view text) { seen += text; })](
                        const Event& event) mutable { classic(event); });
  EXPECT_EQ(seen,
            "Sending build context to Docker daemon   5.12kB\r\r\n"
            "Step 1/7 : ARG V=1\n"
            "Step 2/7 : FROM base AS tools\n"
            " ---> 111111111111\n"
            "Step 3/7 : RUN make\n"
            " ---> Running in cccccccccccc\n"
            "one\nhalf"
            "\x1b[91m a line\n\x1b[0m"
            "Removing intermediate container cccccccccccc\n"
            " ---> 222222222222\n"
            "Step 4/7 : FROM other\n"
            " ---> Skipped (stage not needed)\n"
            "Step 5/7 : FROM base\n"
            " ---> 111111111111\n"
            "Step 6/7 : COPY --from=tools /a /a\n"
            " ---> Using cache\n"
            " ---> 333333333333\n"
            "Step 7/7 : LABEL a=b\n"
            " ---> Running in dddddddddddd\n"
            "Removing intermediate container dddddddddddd\n"
            " ---> 444444444444\n"
            "Successfully built 444444444444\n"
            "Successfully tagged app:latest\n");
}

TEST(Classic, HoldsBackWhatStandsBehindAStepWithoutId) {
  std::string seen;
  Classic classic([&](std::string_view text) { seen += text; });
  Report report([&](const Event& event) { classic(event); });
  report.tell(sample_plan());
  StepReport(report, 0).started();
  StepReport(report, 0).done(std::nullopt);
  StepReport step(report, 1);
  step.started();
  step.next();
  step.write("early\n");
  EXPECT_EQ(seen, "Step 1/7 : ARG V=1\nStep 2/7 : FROM base AS tools\n");
  StepReport(report, 1).done(sample_id('1'));
  EXPECT_TRUE(seen.ends_with(" ---> 111111111111\nStep 3/7 : RUN make\nearly\n"));
}

TEST(Classic, AFailureGivesOutWhatOtherStagesSaid) {
  std::string seen;
  Classic classic([&](std::string_view text) { seen += text; });
  Report report([&](const Event& event) { classic(event); });
  report.tell(sample_plan());
  StepReport(report, 0).started();
  StepReport(report, 0).done(std::nullopt);
  StepReport(report, 1).started();
  StepReport(report, 3).skipped();
  StepReport last(report, 4);
  last.started();
  last.next();
  last.write("never seen: the ID before it is not known\n");
  report.tell(StepFailed{1, "no such image", 1});
  report.tell(Ended{"no such image"});
  EXPECT_EQ(seen,
            "Step 1/7 : ARG V=1\nStep 2/7 : FROM base AS tools\n"
            "Step 4/7 : FROM other\n ---> Skipped (stage not needed)\n"
            "Step 5/7 : FROM base\n");
}

TEST(Classic, WarningsAreOneRedBlock) {
  std::string seen;
  Classic classic([&](std::string_view text) { seen += text; });
  classic({{}, Note{{}, "one\ntwo\n", true}});
  EXPECT_EQ(seen, "\x1b[91mone\ntwo\n\x1b[0m");
}

}  // namespace
}  // namespace strata::progress

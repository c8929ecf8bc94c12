#include "build/explain.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

RunConfig step(std::vector<std::string> cmd) {
  RunConfig config;
  config.cmd = std::move(cmd);
  return config;
}

TEST(ExplainTest, NamesTheInstruction) {
  EXPECT_EQ(first_difference(step({"/bin/sh", "-c", "make"}), step({"/bin/sh", "-c", "make all"})),
            "instruction: was \"/bin/sh -c make\"");
  EXPECT_EQ(first_difference(step({"/bin/sh", "-c", "#(nop) ", "ENV A=1"}),
                             step({"/bin/sh", "-c", "#(nop) ", "ENV A=2"})),
            "instruction: was \"ENV A=1\"");
}

TEST(ExplainTest, NamesABuildArgument) {
  auto was = step({"|2", "A=1", "B=2", "/bin/sh", "-c", "make"});
  EXPECT_EQ(first_difference(was, step({"|2", "A=1", "B=3", "/bin/sh", "-c", "make"})),
            "build argument B: was 2, is 3");
  EXPECT_EQ(first_difference(was, step({"|1", "A=1", "/bin/sh", "-c", "make"})),
            "build argument B: is not set any more");
  EXPECT_EQ(first_difference(step({"/bin/sh", "-c", "make"}),
                             step({"|1", "A=", "/bin/sh", "-c", "make"})),
            "build argument A: is new");
  EXPECT_EQ(first_difference(step({"|9"}), step({"|1"})), "");  // made by nobody
}

TEST(ExplainTest, NamesTheShell) {
  EXPECT_EQ(first_difference(step({"/bin/sh", "-c", "#(nop) ", "CMD x"}),
                             step({"/bin/bash", "-c", "#(nop) ", "CMD x"})),
            "SHELL: was /bin/sh -c, is /bin/bash -c");
}

TEST(ExplainTest, NamesWhatTheConfigHolds) {
  auto was = step({"x"});
  was.env = std::vector<std::string>{"PATH=/bin", "A=1"};
  was.user = "u";
  auto is = was;
  is.env = std::vector<std::string>{"PATH=/bin", "A="};
  EXPECT_EQ(first_difference(was, is), "variable A: was 1, is empty");
  is = was;
  is.user = "";
  EXPECT_EQ(first_difference(was, is), "USER: was u, is empty");
  is = was;
  is.labels = std::map<std::string, std::string>{{"l", "1"}};
  EXPECT_EQ(first_difference(was, is), "label l: is new");
  is = was;
  is.entrypoint = std::vector<std::string>{"run"};
  EXPECT_EQ(first_difference(was, is), "ENTRYPOINT: was empty, is run");
  EXPECT_EQ(first_difference(was, was), "");
}

TEST(ExplainTest, CutsLongTexts) {
  auto text = first_difference(step({std::string(1000, 'a')}), step({"b"}));
  EXPECT_EQ(text, "instruction: was \"" + std::string(60, 'a') + "...\"");
}

}  // namespace
}  // namespace strata::build

#include "build/output.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

TEST(OrderedOutput, HoldsBackWhatStandsBehindAHole) {
  std::string seen;
  OrderedOutput output([&](std::string_view text) { seen += text; });
  output.write("step 1\n");
  auto first = output.reserve();
  output.write("step 2\n");
  auto second = output.reserve();
  output.write("step 3\n");
  EXPECT_EQ(seen, "step 1\n");
  output.fill(second, "id 2\n");
  EXPECT_EQ(seen, "step 1\n") << "the first hole is still open";
  output.fill(first, "id 1\n");
  EXPECT_EQ(seen, "step 1\nid 1\nstep 2\nid 2\nstep 3\n");
  output.write("end\n");
  EXPECT_TRUE(seen.ends_with("step 3\nend\n"));
}

}  // namespace
}  // namespace strata::build

#include <gtest/gtest.h>

#include "runtime/oci_runtime.h"

namespace strata {
namespace {

TEST(ExplainFailure, NoErrorNoFailure) {
  EXPECT_FALSE(explain_failure("", "x"));
  EXPECT_FALSE(explain_failure("{\"level\":\"warning\",\"msg\":\"m\"}\n", "x"));
}

TEST(ExplainFailure, OtherErrorsKeepTheirText) {
  auto failure = explain_failure("mount `x` to `y`: Permission denied\n", "x");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->message,
            "failed to create shim task: OCI runtime create failed: runc create failed: "
            "mount `x` to `y`: permission denied: unknown");
  EXPECT_EQ(failure->exit_code, 126);
  EXPECT_EQ(explain_failure("{\"level\":\"error\",\"msg\":\"bad config\"}\n", "x")->exit_code, 125);
}

}  // namespace
}  // namespace strata

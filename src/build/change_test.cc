#include "build/change.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

using Strings = std::vector<std::string>;

TEST(Change, EveryInstructionChangesItsMember) {
  RunConfig c;
  c.env = Strings{"A=1"};
  c.working_dir = "/srv";
  Strings changes = {
      "ENV B=$A-2 A=3",
      "LABEL k=\"v w\"",
      "EXPOSE 80 90-91/udp",
      "USER 1000",
      "VOLUME /data /x",
      "WORKDIR ../b/./c",
      "CMD echo hi",
      "ENTRYPOINT [\"/e\"]",
      "STOPSIGNAL 9",
      "ONBUILD RUN x",
      "HEALTHCHECK --retries=2 CMD true",
  };
  auto r = apply_changes(c, changes);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(c.env, (Strings{"A=3", "B=1-2"}));
  EXPECT_EQ(c.labels->at("k"), "v w");
  EXPECT_EQ(c.exposed_ports, (std::set<std::string>{"80/tcp", "90/udp", "91/udp"}));
  EXPECT_EQ(c.user, "1000");
  EXPECT_EQ(c.volumes, (std::set<std::string>{"/data", "/x"}));
  EXPECT_EQ(c.working_dir, "/b/c");
  EXPECT_EQ(c.cmd, (Strings{"/bin/sh", "-c", "echo hi"}));
  EXPECT_EQ(c.entrypoint, (Strings{"/e"}));
  EXPECT_EQ(c.stop_signal, "9");
  EXPECT_EQ(c.on_build, (Strings{"RUN x"}));
  EXPECT_EQ(c.healthcheck->test, (Strings{"CMD-SHELL", "true"}));
  EXPECT_EQ(c.healthcheck->retries, 2);
}

TEST(Change, EntrypointDropsAnInheritedCommand) {
  RunConfig c;
  c.cmd = Strings{"inherited"};
  ASSERT_TRUE(apply_change(c, "ENTRYPOINT [\"/e\"]"));
  EXPECT_FALSE(c.cmd);
}

TEST(Change, OnlyConfigInstructionsAreAllowed) {
  RunConfig c;
  auto r = apply_change(c, "RUN true");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message(), "run is not a valid change command");
}

}  // namespace
}  // namespace strata::build

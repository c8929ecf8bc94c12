#include "build/ports.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace strata::build {
namespace {

using Ports = std::vector<std::string>;

TEST(ExposedPort, ReadsPortsRangesAndProtocols) {
  EXPECT_EQ(*parse_exposed_port("80"), Ports{"80/tcp"});
  EXPECT_EQ(*parse_exposed_port("5678/UDP"), Ports{"5678/udp"});
  EXPECT_EQ(*parse_exposed_port("100-102/sctp"), (Ports{"100/sctp", "101/sctp", "102/sctp"}));
  EXPECT_EQ(*parse_exposed_port("127.0.0.1:8080:80"), Ports{"80/tcp"});
}

TEST(ExposedPort, RefusesWhatIsNone) {
  EXPECT_EQ(parse_exposed_port("abc").error().message(), "Invalid containerPort: abc");
  EXPECT_EQ(parse_exposed_port("99999").error().message(), "Invalid containerPort: 99999");
  EXPECT_FALSE(parse_exposed_port("9-3"));
  EXPECT_FALSE(parse_exposed_port("80/icmp"));
  EXPECT_FALSE(parse_exposed_port(""));
}

TEST(StopSignal, ReadsNumbersAndNames) {
  EXPECT_EQ(*parse_stop_signal("15"), SIGTERM);
  EXPECT_EQ(*parse_stop_signal("SIGKILL"), SIGKILL);
  EXPECT_EQ(*parse_stop_signal("usr1"), SIGUSR1);
  EXPECT_EQ(*parse_stop_signal("RTMIN+3"), SIGRTMIN + 3);
  EXPECT_EQ(*parse_stop_signal("SIGRTMAX-1"), SIGRTMAX - 1);
}

TEST(StopSignal, RefusesWhatIsNone) {
  EXPECT_EQ(parse_stop_signal("0").error().message(), "Invalid signal: 0");
  EXPECT_FALSE(parse_stop_signal("FOO"));
  EXPECT_FALSE(parse_stop_signal("RTMIN+99"));
  EXPECT_FALSE(parse_stop_signal("65"));
}

}  // namespace
}  // namespace strata::build

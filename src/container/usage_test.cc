#include "container/usage.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(NetDev, AllButTheLoopbackDeviceCount) {
  auto traffic = parse_net_dev(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo:  5000      50    0    0    0     0          0         0     5000      50    0    0 "
      "   0     0       0          0\n"
      "  eth0: 1296      16    0    0    0     0          0         0        90       1    0    0  "
      "  0     0       0          0\n"
      "eth1:4 0 0 0 0 0 0 0 10 0 0 0 0 0 0 0\n");
  EXPECT_EQ(traffic.received, 1300U);
  EXPECT_EQ(traffic.sent, 100U);
}

TEST(NetDev, WhatIsCutShortCountsAsFarAsItGoes) {
  EXPECT_EQ(parse_net_dev("").received, 0U);
  EXPECT_EQ(parse_net_dev("eth0:").received, 0U);
  auto traffic = parse_net_dev("eth0: 7 1 x\n");
  EXPECT_EQ(traffic.received, 7U);
  EXPECT_EQ(traffic.sent, 0U);
}

}  // namespace
}  // namespace strata

#include "registry/challenge.h"

#include <gtest/gtest.h>

namespace strata::registry {
namespace {

TEST(Challenge, OfATokenServer) {
  auto all = parse_challenges(
      "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
      "scope=\"repository:library/x:pull,push\"");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_EQ(all[0].parameters.at("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(all[0].parameters.at("service"), "registry.docker.io");
  EXPECT_EQ(all[0].parameters.at("scope"), "repository:library/x:pull,push");
}

TEST(Challenge, SeveralInOneHeader) {
  auto all = parse_challenges("Negotiate, BASIC Realm = \"a \\\"b\\\"\" , Bearer realm=x,error=y");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], (Challenge{"negotiate", {}}));
  EXPECT_EQ(all[1], (Challenge{"basic", {{"realm", "a \"b\""}}}));
  EXPECT_EQ(all[2], (Challenge{"bearer", {{"realm", "x"}, {"error", "y"}}}));
}

TEST(Challenge, WhatCannotBeReadEndsIt) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges(" , ,").empty());
  EXPECT_TRUE(parse_challenges("\"x\"").empty());
  EXPECT_EQ(parse_challenges("Basic realm=\"no end"),
            (std::vector{Challenge{"basic", {{"realm", "no end"}}}}));
  EXPECT_EQ(parse_challenges("Basic realm=\"\\"),
            (std::vector{Challenge{"basic", {{"realm", "\\"}}}}));
  EXPECT_EQ(parse_challenges("Basic =x").size(), 1U);
}

}  // namespace
}  // namespace strata::registry

#include "registry/detail/warning.h"

#include <gtest/gtest.h>

namespace strata::registry::detail {
namespace {

using Texts = std::vector<std::string>;

TEST(Warning, TextsForPeopleAreTaken) {
  EXPECT_EQ(parse_warnings(R"(299 - "this tag goes away")"), Texts{"this tag goes away"});
  EXPECT_EQ(parse_warnings(R"(299 - "a", 110 cache "stale", 299 host:1 "b \"c\"" "Sat, 1 Jan")"),
            (Texts{"a", "b \"c\""}));
}

TEST(Warning, WhatIsNoneIsLeftOut) {
  for (auto text : {"", "299", "299 -", "299 - open", "299 - \"no end", "299 - \"\"", ",,,"})
    EXPECT_EQ(parse_warnings(text), Texts{}) << text;
  EXPECT_EQ(parse_warnings("299 - \"a\tb\x1b[31m\""), Texts{"a b [31m"});
  std::string many;
  for (int i = 0; i < 100; i++) many += "299 - \"x\",";
  EXPECT_EQ(parse_warnings(many).size(), 10U);
}

}  // namespace
}  // namespace strata::registry::detail

#include "image/pattern.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Pattern, MatchesAsGoDoes) {
  struct {
    std::string pattern, name;
    bool match;
  } cases[] = {
      {"abc", "abc", true},
      {"*", "abc", true},
      {"*c", "abc", true},
      {"a*", "a", true},
      {"a*", "ab/c", false},
      {"a*/b", "abc/b", true},
      {"a*/b", "a/c/b", false},
      {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
      {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", false},
      {"a*b?c*x", "abxbbxdbxebxczzx", true},
      {"a*b?c*x", "abxbbxdbxebxczzy", false},
      {"ab[c]", "abc", true},
      {"ab[b-d]", "abc", true},
      {"ab[e-g]", "abc", false},
      {"ab[^c]", "abc", false},
      {"ab[^e-g]", "abc", true},
      {"a\\*b", "a*b", true},
      {"a\\*b", "ab", false},
      {"a?b",
       "a\xE2\x98\xBA"
       "b",
       true},
      {"a[^a]b",
       "a\xE2\x98\xBA"
       "b",
       true},
      {"a???b",
       "a\xE2\x98\xBA"
       "b",
       false},
      {"[a-\xCE\xB6]*", "\xCE\xB1", true},
      {"a?b", "a/b", false},
      {"a[^x]b", "a/b", true},
      {"a*b", "a/b", false},
      {"[\\]a]", "]", true},
      {"[\\-x]", "-", true},
      {"[x\\-]", "z", false},
      {"*x", "xxx", true},
      {"**", "ab", true},
      {"", "", true},
      {"", "a", false},
      {"a]", "a]", true},
      {"*[^x]*b", "a/b", false},  // stars move left to right and are not reconsidered
      {"?", "\xFF", true},
  };
  for (const auto& c : cases) {
    auto m = match_pattern(c.pattern, c.name);
    ASSERT_TRUE(m) << c.pattern;
    EXPECT_EQ(*m, c.match) << c.pattern << ' ' << c.name;
  }
}

TEST(Pattern, IsRefusedIfMalformedWhateverTheName) {
  for (const char* pattern : {"[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[",
                              "a[b", "\\", "a\\", "[a\\", "*[", "b*[a", "[\xFF]"})
    for (const char* name : {"", "a", "zzz", "a/b"}) {
      auto m = match_pattern(pattern, name);
      ASSERT_FALSE(m) << pattern;
      EXPECT_EQ(m.error().message(), "syntax error in pattern");
    }
}

TEST(Pattern, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 100; i++) pattern += "a*";
  auto m = match_pattern(pattern + "b", std::string(10'000, 'a'));
  ASSERT_TRUE(m);
  EXPECT_FALSE(*m);
}

}  // namespace
}  // namespace strata

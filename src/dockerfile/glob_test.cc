#include "dockerfile/glob.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace strata::dockerfile {
namespace {

struct GlobCase {
  std::string pattern;
  std::string path;
  bool matches;
};

void expect_matches(Glob::Syntax syntax, const std::vector<GlobCase>& cases) {
  for (const GlobCase& c : cases) {
    auto glob = Glob::compile(c.pattern, syntax);
    ASSERT_TRUE(glob) << c.pattern;
    EXPECT_EQ(glob->matches(c.path), c.matches) << c.pattern << " on " << c.path;
  }
}

TEST(Glob, MatchesWholePathsLikeFilepathMatch) {
  expect_matches(Glob::Syntax::FilepathMatch, {
                                                  {"abc", "abc", true},
                                                  {"abc", "abcd", false},
                                                  {"*", "abc", true},
                                                  {"*", "a/b", false},
                                                  {"*c", "abc", true},
                                                  {"a*/b", "abc/b", true},
                                                  {"a*/b", "a/c/b", false},
                                                  {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
                                                  {"a*b?c*x", "abxbbxdbxebxczzx", true},
                                                  {"a*b?c*x", "abxbbxdbxebxczzy", false},
                                                  {"ab[c]", "abc", true},
                                                  {"ab[b-d]", "abc", true},
                                                  {"ab[e-g]", "abc", false},
                                                  {"ab[^c]", "abc", false},
                                                  {"ab[^e-g]", "abc", true},
                                                  {"a\\*b", "a*b", true},
                                                  {"a\\*b", "axb", false},
                                                  {"a?b", "a☺b", true},
                                                  {"a[^a]b", "a☺b", true},
                                                  {"a???b", "a☺b", false},
                                                  {"*??", "한", false},
                                                  {"*???", "한", false},
                                                  {"[a-ζ]*", "α", true},
                                                  {"*[a-ζ]", "A", false},
                                                  {"a?b", "a/b", false},
                                                  {"a*b", "a/b", false},
                                                  {"[\\]a]", "]", true},
                                                  {"[\\-x]", "-", true},
                                                  {"[x\\-]", "z", false},
                                                  {"[[]x]", "[x]", true},
                                                  {"we[*]ird", "we*ird", true},
                                                  {"we\\*ird", "we*ird", true},
                                                  {"**/*.txt", "d/a.txt", true},
                                                  {"**/*.txt", "a.txt", false},
                                                  {"**/*.txt", "d/e/a.txt", false},
                                                  {".*", ".hidden", true},
                                                  {"*", ".hidden", true},
                                                  {"a]b", "a]b", true},
                                              });
}

TEST(Glob, DoubleStarCrossesDirectories) {
  expect_matches(Glob::Syntax::DoubleStar, {
                                               {"**/*.txt", "a.txt", true},
                                               {"**/*.txt", "d/e/a.txt", true},
                                               {"a/**/b", "a/b", true},
                                               {"a/**/b", "a/x/y/b", true},
                                               {"a/**/b", "a/xb", false},
                                               {"a/**", "a/x/y", true},
                                               {"a/**", "a", false},
                                           });
}

TEST(Glob, RefusesMalformedPatterns) {
  for (const std::string pattern : {"[", "[^", "[^bc", "[a", "[a-", "[]a]", "[-]", "[x-]", "[-x]",
                                    "[a-b-c]", "a\\", "a[", "[\xFF]"}) {
    auto glob = Glob::compile(pattern);
    ASSERT_FALSE(glob) << pattern;
    EXPECT_EQ(glob.error().message(), "syntax error in pattern");
  }
}

TEST(Glob, KnowsPatternsFromNames) {
  EXPECT_TRUE(is_glob("*.txt"));
  EXPECT_TRUE(is_glob("a?"));
  EXPECT_TRUE(is_glob("[[]x]"));
  EXPECT_TRUE(is_glob("\\\\*"));
  EXPECT_FALSE(is_glob("we\\*ird"));
  EXPECT_FALSE(is_glob("a/b]"));
  EXPECT_FALSE(is_glob("a\\"));
}

TEST(Glob, TellsWhichDirectoriesMayHoldMatches) {
  struct Below {
    std::string pattern;
    std::string dir;
    bool may;
  };
  for (const Below& c : std::vector<Below>{
           {"src/*.c", "src", true},
           {"src/*.c", "doc", false},
           {"src/*.c", "src/lib", false},
           {"src/*/x.c", "src/lib", true},
           {"*.c", "src", false},
           {"s*/x", "src", true},
           {"src/lib/x", "src", true},
           {"src/lib/x", "src/li", false},
           {"*", ".", true},
           {"*", "", true},
       }) {
    EXPECT_EQ(Glob::compile(c.pattern)->may_match_below(c.dir), c.may)
        << c.pattern << " below " << c.dir;
  }
}

// A slow and plain matcher against which the one with position sets is checked.
bool glob_plain_match(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  const auto rest = pattern.substr(1);
  if (pattern[0] == '*')
    return glob_plain_match(rest, path) ||
           (!path.empty() && path[0] != '/' && glob_plain_match(pattern, path.substr(1)));
  if (path.empty()) return false;
  const bool one = pattern[0] == '?' ? path[0] != '/' : pattern[0] == path[0];
  return one && glob_plain_match(rest, path.substr(1));
}

TEST(Glob, MatchesLikeThePlainMatcher) {
  std::mt19937 random(11);
  const auto make = [&](std::string_view letters, std::size_t most) {
    std::string out(random() % (most + 1), ' ');
    for (char& c : out) c = letters[random() % letters.size()];
    return out;
  };
  for (int round = 0; round < 20'000; round++) {
    const std::string pattern = make("ab/*?", 7);
    const std::string path = make("ab/", 8);
    const Glob glob = *Glob::compile(pattern);
    ASSERT_EQ(glob.matches(path), glob_plain_match(pattern, path)) << pattern << " on " << path;
    const std::size_t slash = path.find('/');
    if (slash != path.npos && slash > 0 && glob.matches(path)) {
      ASSERT_TRUE(glob.may_match_below(path.substr(0, slash))) << pattern << " on " << path;
    }
  }
}

TEST(Glob, IsFastForHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 500; i++) pattern += "*a";
  pattern += 'b';
  const std::string path(10'000, 'a');  // longer than any path of the kernel
  EXPECT_FALSE(Glob::compile(pattern)->matches(path));
}

}  // namespace
}  // namespace strata::dockerfile

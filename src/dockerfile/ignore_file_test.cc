#include "dockerfile/ignore_file.h"

#include <gtest/gtest.h>

namespace strata::dockerfile {
namespace {

IgnoreMatcher matcher(std::string_view text) {
  auto parsed = IgnoreMatcher::parse(text);
  EXPECT_TRUE(parsed) << text;
  return *std::move(parsed);
}

struct IgnoreCase {
  std::string file;  // the .dockerignore
  std::vector<std::string> ignored;
  std::vector<std::string> kept;
};

TEST(IgnoreFile, MatchesLikeDocker) {
  for (const IgnoreCase& c : std::vector<IgnoreCase>{
           {"*.txt", {"a.txt", ".txt"}, {"d/a.txt", "a.txtx"}},
           {"**/*.txt", {"a.txt", "d/a.txt", "d/e/a.txt"}, {"a.tx"}},
           {"d", {"d", "d/f", "d/f/g.txt"}, {"dd", "x/d"}},
           {"d/", {"d", "d/f"}, {"dd"}},
           {"/d", {"d", "d/f"}, {"x/d"}},
           {"d/*", {"d/f", "d/f/g"}, {"d"}},
           {"d/**", {"d/f", "d/f/g"}, {"d"}},
           {"*", {"a", "a/b", ".x"}, {}},
           {"**", {"a", "a/b", ".x"}, {}},
           {"*\n!d/f", {"a", "d", "d/g"}, {"d/f", "d/f/x"}},
           {"d\n!d/f/g.txt", {"d", "d/f", "d/f/h.txt"}, {"d/f/g.txt"}},
           {"!d/f/g.txt\nd", {"d", "d/f", "d/f/g.txt"}, {}},
           {"*/f", {"d/f", "d/f/g"}, {"f", "d/e/f"}},
           {"x/*/z", {"x/y/z"}, {"x/z", "x/a/b/z"}},
           {"x/**/a.txt", {"x/a.txt", "x/y/a.txt", "x/y/z/a.txt"}, {"a.txt", "xx/a.txt"}},
           {"**/z", {"z", "a/z", "a/b/z", "a/z/c"}, {"az", "a/zz"}},
           {"**/.*", {".git", "a/.b", "a/.b/c"}, {"a.b"}},
           {"d/?.txt", {"d/a.txt"}, {"d/ab.txt", "d/.txt"}},
           {"[a-b].txt", {"a.txt", "b.txt"}, {"c.txt"}},
           {"./d/../x", {"x"}, {"d"}},
           {"d/f/..", {"d", "d/f"}, {}},
           {"# d\n  e  \n\n#!x\n", {"e"}, {"d", "# d", "x"}},
           {" #d", {"#d"}, {"d"}},
           {"\xEF\xBB\xBF*.md\r\n!R.md\r\n", {"a.md"}, {"R.md"}},
           {"d\n! d/f ", {"d/g"}, {"d/f"}},
           {"!/d/f", {}, {"d/f"}},
           {"a.b$c", {"a.b$c"}, {"axb$c"}},
           {"a\\*b", {"a*b"}, {"axb"}},
           {"**.log", {"a.log", "d/b.log", ".log"}, {"a.logs"}},
           {"a**/b", {"ab", "ax/b", "a/b", "ax/y/b"}, {"axb"}},
           {"a/**/**/b", {"a/b", "a/x/b"}, {"ab"}},
           {"node_modules\n**/dist\n!**/keep",
            {"node_modules/x", "p/dist/x"},
            {"node_modules/keep"}},
           {".", {}, {"a", "."}},
           {"/", {}, {"a"}},
           {"..", {}, {"a"}},
           {"", {}, {"a", "", "."}},
           {"*", {"한글"}, {"", "."}},
           {"?", {"한"}, {"한글"}},
       }) {
    const IgnoreMatcher m = matcher(c.file);
    for (const std::string& path : c.ignored)
      EXPECT_TRUE(m.ignored(path)) << c.file << ": " << path;
    for (const std::string& path : c.kept) EXPECT_FALSE(m.ignored(path)) << c.file << ": " << path;
  }
}

TEST(IgnoreFile, RefusesWhatDockerRefuses) {
  for (const std::string file : {"!", "a\n!  \n", " ! "}) {
    auto parsed = IgnoreMatcher::parse(file);
    ASSERT_FALSE(parsed) << file;
    EXPECT_EQ(parsed.error().message(), "illegal exclusion pattern: \"!\"");
  }
  for (const std::string file : {"[", "ok\nd/f\\g", "![a", "x\\"}) {
    auto parsed = IgnoreMatcher::parse(file);
    ASSERT_FALSE(parsed) << file;
    EXPECT_EQ(parsed.error().message(), "syntax error in pattern");
  }
}

TEST(IgnoreFile, PrunesWhatNoExceptionReaches) {
  struct Prune {
    std::string file;
    std::string dir;
    bool may;
  };
  for (const Prune& c : std::vector<Prune>{
           {"node_modules", "node_modules", true},
           {"node_modules", "node_modules/x", true},
           {"node_modules", "src", false},
           {"*\n!src", "node_modules", true},
           {"*\n!src", "src", false},
           {"*\n!src/lib", "src", false},
           {"*\n!src/lib", "src/lib", false},
           {"*\n!src/lib", "src/bin", true},
           {"*\n!src/*/x", "src/bin", false},
           {"*\n!src/*/x", "src/bin/y", true},
           {"*\n!**/x", "src", false},
           {"!src/lib\nsrc", "src", true},
           {"**/*.o\n!keep.o", "d", false},
           {"", "d", false},
           {"*", "", false},
       })
    EXPECT_EQ(matcher(c.file).may_prune(c.dir), c.may) << c.file << ": " << c.dir;
}

TEST(IgnoreFile, TakesExcludeFlags) {
  const std::vector<std::string> patterns{"*.md", "!README.md", "#x"};
  const IgnoreMatcher m = *IgnoreMatcher::compile(patterns);
  EXPECT_TRUE(m.ignored("a.md"));
  EXPECT_FALSE(m.ignored("README.md"));
  EXPECT_TRUE(m.ignored("#x"));
  EXPECT_FALSE(m.empty());
  EXPECT_TRUE(IgnoreMatcher::compile({})->empty());
}

}  // namespace
}  // namespace strata::dockerfile

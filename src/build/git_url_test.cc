#include <gtest/gtest.h>

#include "build/git.h"

namespace strata::build {
namespace {

struct UrlCase {
  const char* name;
  std::string text;
  bool add;      // ADD takes it for a repository
  bool context;  // so does a context
};

class GitUrl : public testing::TestWithParam<UrlCase> {};

TEST_P(GitUrl, IsARepositoryByDockersRules) {
  EXPECT_EQ(is_git_url(GetParam().text), GetParam().add) << GetParam().text;
  EXPECT_EQ(is_git_context(GetParam().text), GetParam().context) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Cases, GitUrl,
                         testing::ValuesIn(std::vector<UrlCase>{
                             {"Https", "https://host/a/b.git", true, true},
                             {"HttpWithPort", "http://127.0.0.1:80/b.git", true, true},
                             {"Fragment", "https://host/b.git#main:dir", true, true},
                             {"EmptyFragment", "https://host/b.git#", true, true},
                             {"FragmentThatLooksLikeOne", "https://host/b#x.git", false, false},
                             {"Query", "https://host/b.git?a=b", true, true},
                             {"NoGit", "https://host/a/b", false, false},
                             {"GitFolder", "https://host/b.git/x", false, false},
                             {"GitScheme", "git://host/b", true, true},
                             {"GitSchemeAlone", "git://", false, false},
                             {"Ssh", "ssh://git@host:22/b", true, true},
                             {"Scp", "git@host.org:a/b.git", true, true},
                             {"ScpOtherUser", "me@host:b", true, true},
                             {"ScpFragment", "git@host:b#v1", true, true},
                             {"ScpWithoutPath", "git@host:", false, false},
                             {"ScpOption", "git@-oProxyCommand=x:b", false, false},
                             {"ScpUserOption", "-u@host:b", false, false},
                             {"ColonBeforeAt", "a:b@c", false, false},
                             {"Github", "github.com/a/b", false, true},
                             {"GithubAlone", "github.com/", false, false},
                             {"File", "file:///srv/b.git", false, false},
                             {"Path", "/srv/b.git", false, false},
                             {"Relative", "./b.git", false, false},
                             {"Ext", "ext::sh -c x", false, false},
                             {"Stdin", "-", false, false},
                         }),
                         [](const auto& c) { return std::string(c.param.name); });

struct PartsCase {
  const char* name;
  std::string text;
  std::string url, ref, directory;
};

class GitParts : public testing::TestWithParam<PartsCase> {};

TEST_P(GitParts, AreUrlRefAndDirectory) {
  auto parts = parse_git_url(GetParam().text);
  ASSERT_TRUE(parts) << parts.error().message();
  EXPECT_EQ(parts->url, GetParam().url);
  EXPECT_EQ(parts->ref, GetParam().ref);
  EXPECT_EQ(parts->directory, GetParam().directory);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GitParts,
    testing::ValuesIn(std::vector<PartsCase>{
        {"Plain", "https://h/b.git", "https://h/b.git", "", ""},
        {"Ref", "https://h/b.git#v1.0", "https://h/b.git", "v1.0", ""},
        {"Slashes", "https://h/b.git#feature/x", "https://h/b.git", "feature/x", ""},
        {"Both", "https://h/b.git#v1:a/b", "https://h/b.git", "v1", "a/b"},
        {"DirectoryAlone", "https://h/b.git#:a", "https://h/b.git", "", "a"},
        {"ColonInDirectory", "https://h/b.git#v1:a:b", "https://h/b.git", "v1", "a:b"},
        {"Github", "github.com/a/b#v1", "https://github.com/a/b", "v1", ""},
        {"Scp", "git@h:b.git#v1:d", "git@h:b.git", "v1", "d"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(GitRef, ThatGitCouldTakeForSomethingElseIsRefused) {
  for (const char* ref : {"--upload-pack=touch x", "-x", "+main", "a..b", "a b", "a~1", "a^", "*",
                          "a\nb", "a\\b", "[a"}) {
    auto parts = parse_git_url(std::string("https://h/b.git#") + ref);
    ASSERT_FALSE(parts) << ref;
    EXPECT_EQ(parts.error().message(),
              '"' + std::string(ref) + "\": not the name of a git branch, tag or commit");
  }
}

TEST(GitUrlText, WithBlanksIsRefused) {
  EXPECT_FALSE(parse_git_url("git://host/a b"));
  EXPECT_FALSE(parse_git_url("git://host/a\nb"));
}

}  // namespace
}  // namespace strata::build

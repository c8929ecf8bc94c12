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

TEST(GitQuery, SaysWhatAFragmentSays) {
  auto source =
      parse_git_url("https://h/b.git?branch=a%2Fb&subdir=d&submodules=false&keep-git-dir");
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->url, "https://h/b.git");
  EXPECT_EQ(source->ref, "refs/heads/a/b");
  EXPECT_EQ(source->directory, "d");
  EXPECT_FALSE(source->submodules);
  EXPECT_EQ(source->keep_git_dir, true);
  EXPECT_EQ(parse_git_url("git://h/b?tag=v1")->ref, "refs/tags/v1");
  EXPECT_EQ(parse_git_url("git@h:b?ref=v1")->ref, "v1");
  auto commit = parse_git_url("https://h/b.git?commit=0123456");
  EXPECT_EQ(commit->ref, "0123456");
  EXPECT_EQ(commit->commit, "0123456");
  EXPECT_EQ(parse_git_url("https://h/b.git?commit=0123456#main")->ref, "main");
  EXPECT_EQ(parse_git_url("https://h/b.git?ref=x#x:d")->directory, "d");
}

TEST(GitQuery, ThatMakesNoSenseIsRefused) {
  auto said = [](const std::string& query) {
    auto source = parse_git_url("https://h/b.git?" + query);
    return source ? "" : source.error().message();
  };
  EXPECT_EQ(said("a=b"), "unexpected query \"a\"");
  EXPECT_EQ(said("ref="), "query \"ref\" has no value");
  EXPECT_EQ(said("ref=a&ref=b"), "ref conflicts: \"a\" vs \"b\"");
  EXPECT_EQ(said("subdir=a#:b"), "subdir conflicts: \"b\" vs \"a\"");
  EXPECT_EQ(said("commit=x"), "\"x\" is no commit");
  EXPECT_EQ(said("submodules=maybe"), "invalid submodules value: \"maybe\"");
  EXPECT_EQ(said("ref=-x"), "\"-x\": not the name of a git branch, tag or commit");
}

TEST(GitAuthorization, IsForTheHostItIsMeantFor) {
  GitAuth auth = {{"GIT_AUTH_TOKEN", "t\n"}, {"GIT_AUTH_HEADER.other:80", "bearer x"}};
  EXPECT_EQ(git_authorization(auth, "https://h/b.git"), "Basic eC1hY2Nlc3MtdG9rZW46dA==");
  EXPECT_EQ(git_authorization(auth, "http://other:80/b.git"), "bearer x");
  EXPECT_EQ(git_authorization(auth, "ssh://git@h/b"), "");
  EXPECT_EQ(git_authorization(auth, "https://me:word@h/b.git"), "");
  EXPECT_EQ(git_authorization({}, "https://h/b.git"), "");
}

TEST(GitUrlText, WithBlanksIsRefused) {
  EXPECT_FALSE(parse_git_url("git://host/a b"));
  EXPECT_FALSE(parse_git_url("git://host/a\nb"));
}

}  // namespace
}  // namespace strata::build

#include "image/reference.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

const std::string kDigest = "@sha256:" + std::string(64, 'a');

struct GoodCase {
  const char* name;
  std::string text, full, familiar;
};
class ReferenceParse : public testing::TestWithParam<GoodCase> {};
TEST_P(ReferenceParse, GivesTheFullAndTheFamiliarForm) {
  auto r = Reference::parse_normalized(GetParam().text);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->str(), GetParam().full);
  EXPECT_EQ(r->familiar(), GetParam().familiar);
  for (const std::string& text : {r->str(), r->familiar()}) {
    auto again = Reference::parse_normalized(text);
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(*again, *r) << text;
  }
}
// Each one was accepted by the client of docker 20.10.24, but for IPv6 (accepted by 28).
INSTANTIATE_TEST_SUITE_P(
    Cases, ReferenceParse,
    testing::ValuesIn(std::vector<GoodCase>{
        {"Official", "ubuntu", "docker.io/library/ubuntu", "ubuntu"},
        {"Tag", "ubuntu:22.04", "docker.io/library/ubuntu:22.04", "ubuntu:22.04"},
        {"User", "me/app", "docker.io/me/app", "me/app"},
        {"HubByName", "docker.io/a", "docker.io/library/a", "a"},
        {"LegacyHub", "index.docker.io/library/x", "docker.io/library/x", "x"},
        {"DeepOfficial", "docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"},
        {"OnlyLibrary", "docker.io/library", "docker.io/library/library", "library"},
        {"Domain", "reg.example/a/b:t", "reg.example/a/b:t", "reg.example/a/b:t"},
        {"Port", "reg:5000/x", "reg:5000/x", "reg:5000/x"},
        {"PortAndTag", "localhost:5000/a:Tag_1.x-y", "localhost:5000/a:Tag_1.x-y",
         "localhost:5000/a:Tag_1.x-y"},
        {"Localhost", "localhost/a", "localhost/a", "localhost/a"},
        {"LocalhostAlone", "localhost", "docker.io/library/localhost", "localhost"},
        {"UpperCaseDomain", "Reg.Example/a", "Reg.Example/a", "Reg.Example/a"},
        {"Ipv6", "[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"},
        {"Digest", "ubuntu" + kDigest, "docker.io/library/ubuntu" + kDigest, "ubuntu" + kDigest},
        {"TagAndDigest", "a/b:t" + kDigest, "docker.io/a/b:t" + kDigest, "a/b:t" + kDigest},
        {"Separators", "a.b/c_d__e---f", "a.b/c_d__e---f", "a.b/c_d__e---f"},
        {"NoValidDomain", "foo_bar.x/abc", "foo_bar.x/abc", "foo_bar.x/abc"},
        {"Sha256", "sha256:abc", "docker.io/library/sha256:abc", "sha256:abc"},
        {"LongestTag", "a:" + std::string(128, 'a'), "docker.io/library/a:" + std::string(128, 'a'),
         "a:" + std::string(128, 'a')},
        {"LongestName", "x.y/" + std::string(251, 'a'), "x.y/" + std::string(251, 'a'),
         "x.y/" + std::string(251, 'a')},
    }),
    [](const auto& c) { return std::string(c.param.name); });

struct BadCase {
  const char* name;
  std::string text, message;
};
class ReferenceRefused : public testing::TestWithParam<BadCase> {};
TEST_P(ReferenceRefused, WithDockersText) {
  auto r = Reference::parse_normalized(GetParam().text);
  ASSERT_FALSE(r) << r->str();
  EXPECT_EQ(r.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(r.error().message(), GetParam().message);
}
constexpr const char* kFormat = "invalid reference format";
constexpr const char* kLower = "invalid reference format: repository name must be lowercase";
constexpr const char* kLong = "repository name must not be more than 255 characters";
INSTANTIATE_TEST_SUITE_P(
    Cases, ReferenceRefused,
    testing::ValuesIn(std::vector<BadCase>{
        {"Empty", "", kFormat},
        {"Colon", ":", kFormat},
        {"EmptyTag", "a:", kFormat},
        {"EmptyDigest", "a@", kFormat},
        {"Space", "a b", kFormat},
        {"Url", "http://x/y", kFormat},
        {"TwoDigests", "a@b@c", kFormat},
        {"TrailingSlash", "a/b/", kFormat},
        {"LeadingSlash", "/a", kFormat},
        {"OnlyDomain", "x.y/", kFormat},
        {"EmptyPort", "a.b:/c", kFormat},
        {"PortOfLetters", "x:y/z", kFormat},
        {"DashInLabel", "a-.b/c", kFormat},
        {"ThreeUnderscores", "a___b", kFormat},
        {"MixedSeparator", "a_.b", kFormat},
        {"ParentDirectory", "a/../b", kFormat},
        {"Nul", std::string("a\0b", 3), kFormat},
        {"LongTag", "a:" + std::string(129, 'a'), kFormat},
        {"TagStartsWithDot", "a:.b", kFormat},
        {"OpenIpv6", "[::1/a", kFormat},
        {"UpperCase", "Ubuntu", kLower},
        {"UpperCasePath", "localhost/Abc:t", kLower},
        {"UpperCaseUser", "Foo/bar", kLower},
        {"LongOnHub", std::string(238, 'a'), kLong},
        {"LongElsewhere", "x.y/" + std::string(252, 'a'), kLong},
        {"ShortDigest", "ubuntu@sha256:abc", kFormat},
        {"OtherAlgorithm", "ubuntu@md5:" + std::string(32, 'a'), "unsupported digest algorithm"},
        {"LongDigest", "ubuntu" + kDigest + "a", "invalid checksum digest length"},
        {"UpperCaseDigest", "ubuntu@sha256:" + std::string(64, 'A'),
         "invalid checksum digest format"},
        {"FullId", std::string(64, 'a'),
         "invalid repository name (" + std::string(64, 'a') +
             "), cannot specify 64-byte hexadecimal strings"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

// docker's own ambiguity: kept, because the familiar form is the key in repositories.json.
TEST(Reference, FamiliarFormMayReadAsAnotherDomain) {
  auto r = Reference::parse_normalized("docker.io/a.b/c");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->str(), "docker.io/a.b/c");
  EXPECT_EQ(r->familiar(), "a.b/c");
  EXPECT_EQ(Reference::parse_normalized(r->familiar())->domain, "a.b");
}

TEST(Reference, GetsTheDefaultTagOnlyIfItHasNothing) {
  EXPECT_EQ(Reference::parse_normalized("a")->with_default_tag().familiar(), "a:latest");
  EXPECT_EQ(Reference::parse_normalized("a:b")->with_default_tag().familiar(), "a:b");
  EXPECT_EQ(Reference::parse_normalized("a" + kDigest)->with_default_tag().familiar(),
            "a" + kDigest);
  EXPECT_EQ(Reference::parse_normalized("a:b" + kDigest)->without_tag_and_digest().str(),
            "docker.io/library/a");
}

TEST(Reference, CannotBeTaggedIfAmbiguous) {
  EXPECT_TRUE(check_taggable(*Reference::parse_normalized("a:b")));
  EXPECT_TRUE(check_taggable(*Reference::parse_normalized("x.y/sha256:b")));
  EXPECT_EQ(check_taggable(*Reference::parse_normalized("sha256:b")).error().message(),
            "refusing to create an ambiguous tag using digest algorithm as name");
  EXPECT_EQ(check_taggable(*Reference::parse_normalized("a" + kDigest)).error().message(),
            "refusing to create a tag with a digest reference");
}

TEST(Reference, ANewNameHasATagAndNoDigest) {
  EXPECT_EQ(parse_new_name("a")->familiar(), "a:latest");
  EXPECT_EQ(parse_new_name("a:b")->familiar(), "a:b");
  for (const auto& text : {std::string(), std::string("A"), std::string("sha256:b"), "a" + kDigest})
    EXPECT_FALSE(parse_new_name(text)) << text;
  EXPECT_TRUE(parse_optional_name("")->empty());
  EXPECT_EQ(parse_optional_name("a")->size(), 1u);
  EXPECT_FALSE(parse_optional_name("sha256"));
}

}  // namespace
}  // namespace strata

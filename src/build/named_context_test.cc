#include "build/named_context.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

TEST(BuildContext, IsNameAndValue) {
  struct Case {
    const char *text, *name, *value;
  };
  for (const Case& c :
       {Case{"base=dir", "base", "dir"}, Case{"a=b=c", "a", "b=c"},
        Case{"alpine:latest=x", "alpine", "x"}, Case{"docker.io/library/alpine=x", "alpine", "x"},
        Case{"alpine:3.19=docker-image://a", "alpine:3.19", "docker-image://a"},
        Case{"ghcr.io/a/b=x", "ghcr.io/a/b", "x"}}) {
    auto parsed = parse_build_context(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(parsed->first, c.name);
    EXPECT_EQ(parsed->second, c.value);
  }
  for (const char* text : {"", "base", "base=", "=x", "Upper=x", "a b=x"})
    EXPECT_FALSE(parse_build_context(text)) << text;
  EXPECT_EQ(parse_build_context("base").error().message(),
            "invalid context value: base, expected key=value");
}

TEST(LayoutPlace, IsDirectoryAndTagOrDigest) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  struct Case {
    std::string text, directory, tag, digest;
  };
  for (const Case& c :
       {Case{"/a/b", "/a/b", "", ""}, Case{"./l:1.0", "./l", "1.0", ""}, Case{"l:1", "l", "1", ""},
        Case{"/a:b/c", "/a:b/c", "", ""}, Case{"/a/b@" + digest, "/a/b", "", digest},
        Case{"b:t@" + digest, "b", "t", digest}}) {
    auto place = parse_layout_place(c.text);
    ASSERT_TRUE(place) << c.text;
    EXPECT_EQ(place->directory, c.directory);
    EXPECT_EQ(place->tag, c.tag);
    EXPECT_EQ(place->digest ? place->digest->str() : "", c.digest);
  }
  for (const char* text : {"", ":tag", "a@sha256:1", "a@"})
    EXPECT_FALSE(parse_layout_place(text)) << text;
}

}  // namespace
}  // namespace strata::build

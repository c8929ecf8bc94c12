#include "http/url.h"

#include <gtest/gtest.h>

namespace strata::http {
namespace {

TEST(Url, OnlyLowerCaseSchemesOfTheWebAreOne) {
  EXPECT_TRUE(is_url("http://x"));
  EXPECT_TRUE(is_url("https://x/y"));
  for (const char* text : {"HTTP://x", "ftp://x", "http:/x", "x", ""}) EXPECT_FALSE(is_url(text));
}

TEST(Url, HasHostAndPath) {
  auto url = parse_url("http://user:word@host:80/a%20b/c;d?q=/x#/f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "host:80");
  EXPECT_EQ(url->path, "/a b/c;d");
  EXPECT_EQ(parse_url("http://host")->path, "");
  EXPECT_EQ(parse_url("http://host?q")->path, "");
  EXPECT_EQ(parse_url("http://[::1]:80/x")->host, "[::1]:80");
}

struct BadUrl {
  const char* url;
  const char* message;
};

TEST(Url, IsRefusedWithTheWordsOfGo) {
  for (const auto& [url, message] : std::initializer_list<BadUrl>{
           {"mirror.example/x", "Get \"mirror.example/x\": unsupported protocol scheme \"\""},
           {"http:///x", "Get \"http:///x\": http: no Host in request URL"},
           {"http://:80/x", "Get \"http://:80/x\": http: no Host in request URL"},
           {"http://[::1/x", "parse \"http://[::1/x\": missing ']' in host"},
           {"http://h:8x/", "parse \"http://h:8x/\": invalid port \":8x\" after host"},
           {"http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\""},
           {"http://h/a%4", "parse \"http://h/a%4\": invalid URL escape \"%4\""},
           {"http://h/\x01", "parse \"http://h/\x01\": net/url: invalid control character in URL"},
       }) {
    auto parts = parse_url(url);
    ASSERT_FALSE(parts) << url;
    EXPECT_EQ(parts.error().message(), message);
  }
}

TEST(Url, ShowsNoPassword) {
  EXPECT_EQ(shown_url("http://me:secret@h/x"), "http://me:***@h/x");
  EXPECT_EQ(shown_url("http://me@h/x:y"), "http://me@h/x:y");
  EXPECT_EQ(shown_url("http://h:80/a@b"), "http://h:80/a@b");
}

TEST(Url, IsEscapedForARequest) {
  EXPECT_EQ(escaped_url("http://h/a b\xc3\xa4%20"), "http://h/a%20b%C3%A4%20");
}

}  // namespace
}  // namespace strata::http

#include "image/platform.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Platform, IsNormalised) {
  const std::string host = host_platform().str().substr(std::string("linux/").size());
  const std::pair<std::string, std::string> cases[] = {
      {"linux/amd64", "linux/amd64"},    {"Linux/X86_64", "linux/amd64"},
      {"linux/amd64/v1", "linux/amd64"}, {"linux/amd64/v3", "linux/amd64/v3"},
      {"linux/aarch64", "linux/arm64"},  {"linux/arm64/v8", "linux/arm64"},
      {"linux/arm64/8", "linux/arm64"},  {"linux/arm64/v9", "linux/arm64/v9"},
      {"linux/armhf", "linux/arm/v7"},   {"linux/armel", "linux/arm/v6"},
      {"linux/arm", "linux/arm/v7"},     {"linux/arm/6", "linux/arm/v6"},
      {"macos/i386", "darwin/386"},      {"my_os/my-arch/x", "my_os/my-arch/x"},
      {"linux", "linux/" + host},        {"riscv64", "linux/riscv64"},
      {"s390x", "linux/s390x"},          {"arm", "linux/arm/v7"},
  };
  for (const auto& [text, wanted] : cases) {
    auto p = parse_platform(text);
    ASSERT_TRUE(p) << text;
    EXPECT_EQ(p->str(), wanted) << text;
  }
}

TEST(Platform, IsRefusedWithContainerdsText) {
  const std::pair<std::string, std::string> cases[] = {
      {"a/b/c/d", R"("a/b/c/d": cannot parse platform specifier: invalid argument)"},
      {"", R"("" is an invalid component of "": platform specifier component must match )"
           R"("^[A-Za-z0-9_-]+$": invalid argument)"},
      {"linux/",
       R"("" is an invalid component of "linux/": platform specifier component must match )"
       R"("^[A-Za-z0-9_-]+$": invalid argument)"},
      {"linux/*", R"("linux/*": wildcards not yet supported: invalid argument)"},
      {"beos", R"("beos": unknown operating system or architecture: invalid argument)"},
  };
  for (const auto& [text, message] : cases) {
    auto p = parse_platform(text);
    ASSERT_FALSE(p) << text;
    EXPECT_EQ(p.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(p.error().message(), message);
  }
}

TEST(Platform, OfTheHostIsInGosWords) {
  EXPECT_EQ(host_platform().os, "linux");
  EXPECT_NE(host_platform().architecture, "x86_64");
  EXPECT_NE(host_platform().architecture, "aarch64");
  EXPECT_EQ((Platform{"", "amd64", ""}.str()), "unknown");
}

}  // namespace
}  // namespace strata

#include "copy/location.h"

#include <gtest/gtest.h>

namespace strata::copy {
namespace {

using Kind = Location::Kind;

struct Case {
  const char* text;
  Kind kind;
  const char* path;
  const char* name;
};

TEST(Location, IsWrittenAsSkopeoDoes) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string by_digest = "oci:some/dir@" + digest;
  const Case cases[] = {
      {"docker://localhost:5000/x:1", Kind::Registry, "", "localhost:5000/x:1"},
      {"docker://x", Kind::Registry, "", "x"},
      {"registry:x@sha256:0", Kind::Registry, "", "x@sha256:0"},
      {"registry://x", Kind::Registry, "", "x"},
      {"oci:some/dir", Kind::Layout, "some/dir", ""},
      {"oci:/some/dir:1.0", Kind::Layout, "/some/dir", "1.0"},
      {"oci:dir:host:5000/x:1", Kind::Layout, "dir", "host:5000/x:1"},
      {by_digest.c_str(), Kind::Layout, "some/dir", digest.c_str()},
      {"oci-archive:a.tar:x", Kind::LayoutArchive, "a.tar", "x"},
      {"docker-archive:a.tar", Kind::DockerArchive, "a.tar", ""},
      {"docker-archive:a.tar:host:5000/x:1", Kind::DockerArchive, "a.tar", "host:5000/x:1"},
      {"docker-archive:a.tar:@1", Kind::DockerArchive, "a.tar", "@1"},
      {"strata:app:1", Kind::Store, "", "app:1"},
  };
  for (const auto& c : cases) {
    auto location = parse_location(c.text);
    ASSERT_TRUE(location) << c.text;
    EXPECT_EQ(location->kind, c.kind) << c.text;
    EXPECT_EQ(location->path, c.path) << c.text;
    EXPECT_EQ(location->name, c.name) << c.text;
  }
}

TEST(Location, OtherTextsAreRefused) {
  for (auto text : {"", "x", "busybox:1", "docker:x", "docker://", "oci:", "oci::x", "dir:/x"}) {
    auto location = parse_location(text);
    ASSERT_FALSE(location) << text;
    EXPECT_EQ(location.error().code(), ErrorCode::InvalidArgument) << text;
  }
}

}  // namespace
}  // namespace strata::copy

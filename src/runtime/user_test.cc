#include "runtime/user.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "junk:x:nan:0::/:\n"
    "bob:x:1001:50:Bob:/home/bob:/bin/sh\n"
    "bob:x:7777:7777:shadowed:/x:/bin/sh\n"
    "nohome:x:1002:1002::\n"
    "huge:x:4294967295:0::/:\n";
constexpr std::string_view kGroup =
    "root:x:0:\n"
    "staff:x:50:bob,alice\n"
    "bob:x:1001:\n"
    "disk:x:6:alice,bob\n"
    "adm:x:4:bobby\n";

class Users : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_dirs(root(), "etc", 0755));
    ASSERT_TRUE(write_file(root(), "etc/passwd", kPasswd, 0644));
    ASSERT_TRUE(write_file(root(), "etc/group", kGroup, 0644));
  }
  int root() const { return temp_.fd(); }

  std::string user(std::string_view spec) const {
    auto u = resolve_user(root(), spec);
    if (!u) return u.error().message();
    auto text = fmt::format("{}:{}", u->uid, u->gid);
    for (gid_t gid : u->additional_gids) text += fmt::format("+{}", gid);
    return text + " " + u->home;
  }
  std::string owner(std::string_view spec) const {
    auto o = resolve_chown(root(), spec);
    return o ? fmt::format("{}:{}", o->uid, o->gid) : o.error().message();
  }

  TestDir temp_{"strata-user-"};
};

TEST_F(Users, ResolvesAsDockerDoes) {
  struct Case {
    std::string_view spec;
    std::string_view result;
  };
  for (const auto& c : std::vector<Case>{
           {"", "0:0 /root"},
           {"root", "0:0 /root"},
           {"bob", "1001:50+6+50 /home/bob"},
           {"1001", "1001:50+6+50 /home/bob"},
           {"bob:", "1001:50+6+50 /home/bob"},
           {"bob:adm", "1001:4 /home/bob"},
           {"bob:99", "1001:99 /home/bob"},
           {":staff", "0:50 /root"},
           {"12345", "12345:0 /"},
           {"12345:67", "12345:67 /"},
           {"nohome", "1002:1002 /"},
           {"nosuch", "unable to find user nosuch: no matching entries in passwd file"},
           {"junk", "unable to find user junk: no matching entries in passwd file"},
           {"bob:nosuch", "unable to find group nosuch: no matching entries in group file"},
           {"huge", "uids and gids must be in range 0-2147483647"},
           {"-1", "uids and gids must be in range 0-2147483647"},
           {"2147483648", "uids and gids must be in range 0-2147483647"},
           {"99999999999999999999", "uids and gids must be in range 0-2147483647"},
           {"bob:-5", "uids and gids must be in range 0-2147483647"},
           {"1x", "unable to find user 1x: no matching entries in passwd file"},
       })
    EXPECT_EQ(user(c.spec), c.result) << c.spec;
}

TEST_F(Users, WithoutDatabasesOnlyNumbersWork) {
  ASSERT_EQ(::unlinkat(root(), "etc/passwd", 0), 0);
  ASSERT_EQ(::unlinkat(root(), "etc/group", 0), 0);
  EXPECT_EQ(user(""), "0:0 /");
  EXPECT_EQ(user("5:6"), "5:6 /");
  EXPECT_EQ(user("root"), "unable to find user root: no matching entries in passwd file");
  EXPECT_EQ(owner("5"), "5:5");
  EXPECT_EQ(owner("root"),
            "unable to convert uid/gid chown string to host mapping: "
            "open etc/passwd: no such file or directory");
}

TEST_F(Users, FollowsLinksInsideTheRootOnly) {
  ASSERT_EQ(::unlinkat(root(), "etc/passwd", 0), 0);
  ASSERT_EQ(::symlinkat("/../../../usr/passwd", root(), "etc/passwd"), 0);
  ASSERT_TRUE(make_dirs(root(), "usr", 0755));
  ASSERT_TRUE(write_file(root(), "usr/passwd", "eve:x:5:6::/e:\n", 0644));
  EXPECT_EQ(user("eve"), "5:6 /e");
}

TEST_F(Users, AFifoDoesNotBlock) {
  ASSERT_EQ(::unlinkat(root(), "etc/passwd", 0), 0);
  ASSERT_EQ(::mkfifoat(root(), "etc/passwd", 0644), 0);
  EXPECT_EQ(user("bob"), "etc/passwd: not a regular file");
}

TEST_F(Users, ChownTakesThePrimaryGroup) {
  const std::string prefix = "unable to convert uid/gid chown string to host mapping: ";
  struct Case {
    std::string_view spec;
    std::string result;
  };
  for (const auto& c : std::vector<Case>{
           {"bob", "1001:50"},
           {"7", "7:7"},
           {"1001", "1001:1001"},
           {"bob:bob", "1001:1001"},
           {"bob:staff", "1001:50"},
           {"1:2", "1:2"},
           {"3:staff", "3:50"},
           {"nosuch", prefix + "can't find uid for user nosuch: no such user: nosuch"},
           {"bob:nosuch", prefix + "can't find gid for group nosuch: no such group: nosuch"},
           {":staff", prefix + "can't find uid for user : no such user: "},
           {"1:2:3", prefix + "invalid chown string format: 1:2:3"},
       })
    EXPECT_EQ(owner(c.spec), c.result) << c.spec;
}

}  // namespace
}  // namespace strata

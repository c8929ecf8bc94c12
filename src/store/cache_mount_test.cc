#include "store/cache_mount.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

class CacheMountTest : public ::testing::Test {
 protected:
  TestDir dir_{"strata-cache-mount-"};

  Result<CacheMount> take(const std::string& id, CacheMount::Sharing sharing,
                          std::stop_token stop = {}) {
    return CacheMount::acquire(
        dir_.fd(), id, sharing,
        [this](int data) {
          filled_++;
          return write_file(data, "seed", "s", 0644);
        },
        stop);
  }
  int filled_ = 0;
};

TEST_F(CacheMountTest, IsFilledOnceAndStays) {
  std::string path = take("/root/.cache", CacheMount::Sharing::Shared)->path();
  ASSERT_TRUE(write_file(dir_.fd(), path + "/more", "m", 0644));
  auto again = take("/root/.cache", CacheMount::Sharing::Locked);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->path(), path);
  EXPECT_EQ(*read_file(dir_.fd(), path + "/more"), "m");
  EXPECT_EQ(*read_file(dir_.fd(), path + "/seed"), "s");
  EXPECT_EQ(filled_, 1);
  EXPECT_NE(take("other", CacheMount::Sharing::Shared)->path(), path);
}

TEST_F(CacheMountTest, PrivateUsersGetDirectoriesOfTheirOwn) {
  auto first = take("x", CacheMount::Sharing::Private);
  auto second = take("x", CacheMount::Sharing::Private);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->path(), second->path());
}

TEST_F(CacheMountTest, ALockedOneIsWaitedForUntilCancelled) {
  auto first = take("x", CacheMount::Sharing::Locked);
  std::stop_source stop;
  stop.request_stop();
  for (auto sharing : {CacheMount::Sharing::Locked, CacheMount::Sharing::Shared}) {
    auto second = take("x", sharing, stop.get_token());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), ErrorCode::Cancelled);
  }
}

TEST_F(CacheMountTest, AFailedFillLeavesNothing) {
  auto failed = CacheMount::acquire(dir_.fd(), "x", CacheMount::Sharing::Shared,
                                    [](int) { return Error(ErrorCode::Internal, "no"); }, {});
  EXPECT_FALSE(failed);
  EXPECT_TRUE(list_cache_mounts(dir_.fd())->empty());
  EXPECT_TRUE(take("x", CacheMount::Sharing::Shared));
}

TEST_F(CacheMountTest, IsListedAndRemovedUnlessUsed) {
  EXPECT_TRUE(list_cache_mounts(dir_.fd())->empty());
  {
    auto used = take("x", CacheMount::Sharing::Shared);
    auto list = list_cache_mounts(dir_.fd());
    ASSERT_EQ(list->size(), 1U);
    EXPECT_EQ((*list)[0].id, "x");
    EXPECT_TRUE((*list)[0].in_use);
    EXPECT_GT((*list)[0].size, 0);
    EXPECT_EQ(remove_cache_mount(dir_.fd(), (*list)[0].name).error().code(), ErrorCode::Conflict);
  }
  auto list = list_cache_mounts(dir_.fd());
  EXPECT_FALSE((*list)[0].in_use);
  EXPECT_TRUE(remove_cache_mount(dir_.fd(), (*list)[0].name));
  EXPECT_TRUE(list_cache_mounts(dir_.fd())->empty());
}

}  // namespace
}  // namespace strata

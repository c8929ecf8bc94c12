#include "store/kept_blobs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

class KeptBlobs : public testing::Test {
 protected:
  Digest keep(const std::string& bytes) {
    EXPECT_TRUE(make_dirs(dir_.fd(), "blobs", 0700));
    EXPECT_TRUE(write_file(dir_.fd(), "blobs/new", bytes, 0600));
    auto digest = sha256(bytes);
    EXPECT_TRUE(keep_blob(dir_.fd(), "new", digest));
    return digest;
  }
  void set_age(const Digest& digest, long seconds) {
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ::utimensat(dir_.fd(), ("blobs/kept/" + digest.hex()).c_str(), times, 0);
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    auto blobs = list_kept_blobs(dir_.fd());
    for (const auto& blob : *blobs) out.push_back(blob.name);
    return out;
  }
  TestDir dir_{"strata-kept-blobs-"};
};

TEST_F(KeptBlobs, AreFoundByTheirDigest) {
  EXPECT_TRUE(names().empty());
  auto digest = keep("one");
  auto fd = open_kept_blob(dir_.fd(), digest);
  ASSERT_TRUE(fd);
  EXPECT_EQ(open_kept_blob(dir_.fd(), sha256("two")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(names(), std::vector<std::string>{digest.hex()});
  EXPECT_TRUE(remove_kept_blob(dir_.fd(), digest.hex()));
  EXPECT_FALSE(remove_kept_blob(dir_.fd(), digest.hex()));
}

TEST_F(KeptBlobs, ThoseUsedLastStay) {
  auto a = keep(std::string(9000, 'a'));
  auto b = keep(std::string(9000, 'b'));
  auto c = keep(std::string(9000, 'c'));
  set_age(a, 1000);
  set_age(b, 2000);
  set_age(c, 3000);
  ASSERT_TRUE(open_kept_blob(dir_.fd(), a));
  auto size = list_kept_blobs(dir_.fd())->front().size;
  shrink_kept_blobs(dir_.fd(), 2 * size);
  EXPECT_EQ(names(), (std::vector<std::string>{a.hex(), c.hex()}));
  shrink_kept_blobs(dir_.fd(), 0);
  EXPECT_TRUE(names().empty());
}

TEST_F(KeptBlobs, TheEnvironmentSaysHowMany) {
  ::setenv("STRATA_KEEP_BLOBS", "10m", 1);
  EXPECT_EQ(kept_blob_limit(dir_.fd()), 10 << 20);
  ::setenv("STRATA_KEEP_BLOBS", "0", 1);
  EXPECT_EQ(kept_blob_limit(dir_.fd()), 0);
  ::unsetenv("STRATA_KEEP_BLOBS");
  EXPECT_GT(kept_blob_limit(dir_.fd()), 0);
  EXPECT_LE(kept_blob_limit(dir_.fd()), std::int64_t{2} << 30);
}

}  // namespace
}  // namespace strata

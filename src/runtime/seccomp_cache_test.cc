#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

class SeccompCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    base_ = temp_.path();
    cache_.emplace(base_ + "/cache", "/bin/sh");
    ASSERT_TRUE(write_file(temp_.fd(), "filter", program(2), 0600));
  }

  static std::string program(std::size_t instructions) {
    std::string bytes((instructions - 1) * sizeof(sock_filter), '\0');
    sock_filter last = {BPF_RET | BPF_K, 0, 0, 0};
    bytes.append(reinterpret_cast<const char*>(&last), sizeof last);
    return bytes;
  }

  TestDir temp_{"strata-seccomp-"};
  std::string base_;
  std::optional<SeccompCache> cache_;
};

TEST_F(SeccompCacheTest, FindsWhatWasKeptUnderThatNameAlone) {
  auto key = cache_->key("{\"a\":1}");
  EXPECT_EQ(cache_->find(key), "");
  ASSERT_TRUE(cache_->keep(key, base_ + "/filter"));
  EXPECT_EQ(cache_->find(key), "AAAAAAAAAAAGAAAAAAAAAA==");
  EXPECT_EQ(cache_->find(cache_->key("{\"a\":2}")), "");
}

TEST_F(SeccompCacheTest, AnotherRuntimeHasNamesOfItsOwn) {
  EXPECT_NE(cache_->key("{}"), SeccompCache(base_ + "/cache", "/bin/cat").key("{}"));
}

TEST_F(SeccompCacheTest, WhatIsNoProgramIsNotKept) {
  auto whole = program(2);
  for (const auto& bytes :
       {std::string(), whole.substr(0, 15), whole.substr(0, 8), program(BPF_MAXINSNS + 1)}) {
    ASSERT_TRUE(write_file(temp_.fd(), "filter", bytes, 0600));
    EXPECT_FALSE(cache_->keep("k", base_ + "/filter")) << bytes.size();
  }
  EXPECT_FALSE(cache_->keep("k", base_ + "/none"));
  EXPECT_EQ(cache_->find("k"), "");
}

TEST_F(SeccompCacheTest, ADirectoryThatOthersCanWriteToIsNotReadOrWritten) {
  ASSERT_TRUE(cache_->keep("k", base_ + "/filter"));
  ASSERT_EQ(::chmod((base_ + "/cache").c_str(), 0777), 0);
  EXPECT_EQ(cache_->find("k"), "");
  EXPECT_FALSE(cache_->keep("k", base_ + "/filter"));
}

}  // namespace
}  // namespace strata

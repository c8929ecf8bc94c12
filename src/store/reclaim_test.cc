#include "store/reclaim.h"

#include <sys/wait.h>

#include "store/detail/store_fixture.h"
#include "store/format_version.h"

namespace strata {
namespace {

class ReclaimTest : public StoreTest {
 protected:
  /// Does it in a process that is killed in the middle of it.
  template <class Work>
  void in_dead_process(Work work) {
    store_.reset();
    auto child = ::fork();
    if (child == 0) {
      auto store = must(Store::open(root_, Store::Access::Write));
      work(*store);
      ::_exit(0);  // no destructor runs
    }
    ::waitpid(child, nullptr, 0);
    reopen();
  }
  std::size_t entries(const std::string& below) const {
    auto dir = open_dir(AT_FDCWD, path(below));
    return dir ? must(list_dir(dir->get())).size() : 0;
  }
};

TEST_F(ReclaimTest, WhatADeadProcessHadNotPublishedGoesWhenTheStoreIsOpened) {
  in_dead_process([](const Store& store) {
    auto w = must(LayerWriter::create(store, {}, {}));
    std::string text = "half a layer";
    StringSource source(text);
    must(w.add(file_entry("f", text.size()), &source));
    ::_exit(0);
  });
  EXPECT_EQ(entries("overlay2"), 1u);  // l
  EXPECT_EQ(entries("overlay2/l"), 0u);
  EXPECT_EQ(entries("image/overlay2/layerdb/tmp"), 0u);
  EXPECT_EQ(entries("strata/leases"), 0u);
}

TEST_F(ReclaimTest, WhatItHadPublishedStaysAndIsALeftover) {
  in_dead_process([](const Store& store) {
    auto w = must(LayerWriter::create(store, {}, {}));
    must(w.add(file_entry("f", 0)));
    must(w.seal());
    must(w.publish(std::nullopt));
    ::_exit(0);
  });
  auto layers = must(store_->layers().list());
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_TRUE(there(diff_path(layers[0], "f")));
  EXPECT_EQ(must(leftovers(*store_)), std::vector<ChainID>{layers[0].chain_id});
  EXPECT_EQ(entries("image/overlay2/layerdb/tmp"), 0u);
}

TEST_F(ReclaimTest, ARemovalThatWasCutOffIsFinished) {
  auto w = writer();
  add(w, file_entry("f", 0));
  auto layer = publish(std::move(w));
  in_dead_process([&](const Store& store) {
    must(store.layers().condemn(layer.chain_id));
    ::_exit(0);
  });
  EXPECT_EQ(entries("image/overlay2/layerdb/sha256"), 0u);
  EXPECT_EQ(entries("overlay2"), 1u);
}

TEST_F(ReclaimTest, PathsThatLeadOutAreNotFollowed) {
  std::filesystem::create_directories(path("strata/leases"));
  std::ofstream(base_ + "/precious") << "x";
  std::ofstream(path("strata/leases/dead"))
      << "path ../precious\npath strata/../../precious\npath " << base_ << "/precious\n";
  reopen();
  EXPECT_TRUE(std::filesystem::exists(base_ + "/precious"));
  EXPECT_EQ(entries("strata/leases"), 0u);
}

TEST_F(ReclaimTest, ALineThatWasCutOffCountsNot) {
  auto w = writer();
  add(w, file_entry("f", 0));
  auto layer = publish(std::move(w));
  std::filesystem::create_directories(path("strata/leases"));
  std::ofstream(path("strata/leases/dead")) << "path overlay2/" << layer.cache_id;
  reopen();
  EXPECT_TRUE(there(diff_path(layer, "f")));
}

TEST_F(ReclaimTest, AStoreOfANewerVersionIsRefused) {
  EXPECT_EQ(read("strata/version"), "1\n");
  std::ofstream(path("strata/version")) << "2\n";
  store_.reset();
  for (auto access : {Store::Access::Read, Store::Access::Write})
    EXPECT_EQ(message_of(Store::open(root_, access)),
              root_ +
                  ": strata/version: the store is of version 2, this strata knows only 1: use "
                  "a newer strata");
  std::ofstream(path("strata/version")) << "x\n";
  EXPECT_FALSE(Store::open(root_, Store::Access::Read));
  std::filesystem::resize_file(path("strata/version"), 0);
  reopen();
  EXPECT_EQ(read("strata/version"), "1\n");
}

}  // namespace
}  // namespace strata

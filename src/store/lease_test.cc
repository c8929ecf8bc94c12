#include "store/lease.h"

#include <sched.h>

#include <atomic>
#include <thread>

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

/// This thread and those that it makes run on one processor only.
class OneProcessor {
 public:
  OneProcessor() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

class LeaseTest : public StoreTest {
 protected:
  std::set<Digest> leased() { return must(leased_ids(store_->own_dir())); }
  std::size_t files() const {
    return std::filesystem::exists(path("strata/leases"))
               ? static_cast<std::size_t>(
                     std::distance(std::filesystem::directory_iterator(path("strata/leases")), {}))
               : 0;
  }
  const Digest a_ = sha256("a");
  const Digest b_ = sha256("b");
};

TEST_F(LeaseTest, HoldsWhatWasAddedUntilItsEnd) {
  EXPECT_TRUE(leased().empty());
  {
    Lease one(store_->own_dir());
    Lease two(store_->own_dir());
    EXPECT_EQ(files(), 0u);
    EXPECT_OK(one.add(a_));
    EXPECT_OK(one.add(a_));
    EXPECT_OK(two.add(b_));
    EXPECT_EQ(leased(), (std::set<Digest>{a_, b_}));
    EXPECT_EQ(files(), 2u);
  }
  EXPECT_TRUE(leased().empty());
  EXPECT_EQ(files(), 0u);
}

TEST_F(LeaseTest, WhatADeadProcessLeftCountsNotAndGoesWhenTheStoreIsOpened) {
  std::filesystem::create_directory(path("strata/leases"));
  std::ofstream(path("strata/leases/dead")) << a_.str() << '\n';
  EXPECT_TRUE(leased().empty());
  reopen();
  EXPECT_EQ(files(), 0u);
}

/// A process may end its lease at any time, also while the dead ones are being looked for. On one
/// processor it does so in the middle of the look.
TEST_F(LeaseTest, OneThatEndsMeanwhileIsNoError) {
  OneProcessor one;
  const int own_dir = store_->own_dir();
  std::atomic<bool> is_done = false;
  std::jthread other([&] {
    for (int i = 0; i < 3000; i++) EXPECT_OK(Lease(own_dir).add(a_));
    is_done = true;
  });
  while (!is_done) {
    auto lock = must(lock_removal(own_dir, FileLock::Mode::Exclusive));
    for (const auto& dead : must(dead_leases(own_dir))) {
      EXPECT_TRUE(dead.chains.empty());
      forget_lease(own_dir, dead);
    }
  }
}

TEST_F(LeaseTest, ALayerThatWasJustPublishedIsHeldAndAStoreToReadHoldsNothing) {
  auto layer = publish(writer());
  EXPECT_TRUE(must(store_->begin_removal()).held.contains(layer.chain_id.digest()));
  auto reader = must(Store::open(root_, Store::Access::Read));
  reopen();
  EXPECT_OK(reader->hold(layer.chain_id));
  EXPECT_TRUE(must(store_->begin_removal()).held.empty());
}

TEST_F(LeaseTest, ANameIsNotGivenToAnImageThatIsGone) {
  auto id = ImageID(a_);
  auto named = name_image(*store_, must(Reference::parse_normalized("x:1")), id, Time::now());
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().message(), "No such image: " + id.str());
  EXPECT_TRUE(must(store_->references().load()).empty());
}

TEST_F(LeaseTest, AChildOfAnImageThatIsGoneHasNoParent) {
  auto config = encode_image_config(config_of({}));
  auto id = must(put_child_image(*store_, config, ImageID(a_)));
  EXPECT_FALSE(store_->images().parent(id));
  EXPECT_TRUE(must(store_->begin_removal()).held.contains(id.digest()));
}

TEST_F(LeaseTest, OnlyOneWriterTakesTheStoreAlone) {
  EXPECT_TRUE(must(store_->take_alone()));
  reopen();
  auto other = must(Store::open(root_, Store::Access::Write));
  EXPECT_FALSE(must(store_->take_alone()));
  other.reset();
  EXPECT_TRUE(must(store_->take_alone()));
}

}  // namespace
}  // namespace strata

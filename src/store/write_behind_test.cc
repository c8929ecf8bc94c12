#include "store/write_behind.h"

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

constexpr std::int64_t kMuch = std::int64_t{100} << 20;  // bytes: some syncs' worth

class WriteBehindTest : public StoreTest {
 protected:
  std::size_t unsynced() { return must(store_->unsynced().list()).size(); }
};

TEST_F(WriteBehindTest, WhatItSyncsIsNotTakenForSynced) {
  EXPECT_OK(store_->unsynced().add(ChainID(sha256("a layer"))));
  auto before = unsynced();
  {
    WriteBehind behind(*store_, /*lazy=*/false);
    for (int i = 0; i < 3; i++) behind.add(kMuch);
  }
  EXPECT_EQ(unsynced(), before);
}

TEST_F(WriteBehindTest, SyncsAtTheEnd) {
  WriteBehind behind(*store_, /*lazy=*/false);
  behind.add(kMuch);
  EXPECT_OK(behind.sync());
  behind.add(kMuch);
  EXPECT_OK(behind.sync());
}

TEST_F(WriteBehindTest, GivesWhatItCounts) {
  WriteBehind behind(*store_, /*lazy=*/true);
  for (auto* told : {&behind, static_cast<WriteBehind*>(nullptr)}) {
    StringSource tar("bytes of a tar");
    WrittenBehind written(tar, told);
    std::string buffer(100, '\0');
    EXPECT_EQ(buffer.substr(0, must(read_full(written, buffer))), "bytes of a tar");
  }
}

}  // namespace
}  // namespace strata

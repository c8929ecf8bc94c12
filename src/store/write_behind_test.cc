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
    behind.add(5 << 20);
    behind.pause();
  }
  EXPECT_EQ(unsynced(), before);
}

TEST_F(WriteBehindTest, SyncsAtTheEndWithTheNames) {
  const auto name = must(Reference::parse_normalized("app:1"));
  for (bool lazy : {true, false}) {
    WriteBehind behind(*store_, lazy);
    behind.add(kMuch);
    const auto id = must(store_->images().put(lazy ? "{}" : "{ }", std::nullopt, false));
    EXPECT_EQ(must(behind.sync_with({{name, id}})).has_value(), !lazy);
    EXPECT_EQ(must(store_->needs_sync()), lazy);
    behind.add(kMuch);
    EXPECT_EQ(must(behind.sync_with({{name, id}})).has_value(), false);
  }
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

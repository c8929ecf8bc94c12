#include "build/stat_memo.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata::build {
namespace {

class StatMemoTest : public ::testing::Test {
 protected:
  static SourceFile file(const std::string& path, std::int64_t ctime = 1000) {
    SourceFile f;
    f.path = path;
    f.mode = S_IFREG | 0644;
    f.size = 3;
    f.mtime = {900, 5};
    f.ctime = {ctime, 7};
    f.device = 1;
    f.inode = 2;
    return f;
  }
  static StatMemo::Known known(std::string_view text) { return {sha256(text), std::nullopt}; }
  StatMemo open(Time now = {2000, 0}) { return StatMemo(own_.fd(), root_.fd(), now); }
  std::string memo_path() { return "memo/" + list_dir(open_dir(own_.fd(), "memo")->get())->at(0); }

  TestDir own_{"strata-memo-"};
  TestDir root_{"strata-memo-"};
};

TEST_F(StatMemoTest, KnowsUnchangedFilesInTheNextBuild) {
  {
    auto memo = open();
    EXPECT_FALSE(memo.find(file("a")));
    for (const char* path : {"b", "a/b", "a", "a.c"}) memo.record(file(path), known(path));
    memo.save();
  }
  auto memo = open();
  for (const char* path : {"a", "a/b", "a.c", "b", "a"}) {
    ASSERT_TRUE(memo.find(file(path))) << path;
    EXPECT_EQ(memo.find(file(path))->sum, sha256(path));
  }
  EXPECT_FALSE(memo.find(file("c")));
  EXPECT_FALSE(memo.find(file("a", 1001)));
  auto grown = file("a");
  grown.size = 4;
  EXPECT_FALSE(memo.find(grown));
}

TEST_F(StatMemoTest, NewSumsJoinTheOldOnes) {
  {
    auto memo = open();
    memo.record(file("a"), known("a"));
    memo.record(file("c"), known("c"));
    memo.save();
  }
  {
    auto memo = open();
    memo.record(file("b"), known("b"));
    memo.record(file("c", 1500), known("C"));
    memo.save();
  }
  auto memo = open();
  EXPECT_EQ(memo.find(file("a"))->sum, sha256("a"));
  EXPECT_EQ(memo.find(file("b"))->sum, sha256("b"));
  EXPECT_EQ(memo.find(file("c", 1500))->sum, sha256("C"));
}

TEST_F(StatMemoTest, ANoteIsAboutWhatWasRecordedBefore) {
  const auto step = sha256("COPY . /a");
  const std::string first(64, '1');
  const std::string second(64, '2');
  auto is_about = [](const StatMemo::Laid& laid, const std::optional<StatMemo::Known>& known) {
    return known && known->crc && known->noted_from <= laid.number;
  };
  {
    auto memo = open();
    EXPECT_TRUE(memo.laid_by(step).empty());
    memo.record(file("a"), {sha256("a"), 0});  // a CRC may be 0
    memo.record(file("b"), known("b"));
    memo.note(step, first);
    memo.record(file("c"), {sha256("c"), 3});
    memo.save();
  }
  {
    auto memo = open();
    auto laid = memo.laid_by(step);
    ASSERT_EQ(laid.size(), 1u);
    EXPECT_EQ(laid[0].cache_id, first);
    EXPECT_TRUE(is_about(laid[0], memo.find(file("a"))));
    EXPECT_EQ(memo.find(file("a"))->crc, 0u);
    EXPECT_FALSE(memo.find(file("b"))->crc);
    EXPECT_FALSE(is_about(laid[0], memo.find(file("c"))));
    EXPECT_FALSE(is_about(laid[0], memo.find(file("a", 1001))));
    memo.record(file("a", 1001), {sha256("A"), 4});
    EXPECT_FALSE(is_about(laid[0], memo.find(file("a", 1001))));
    memo.note(step, second);
    memo.save();
  }
  auto memo = open();
  auto laid = memo.laid_by(step);
  ASSERT_EQ(laid.size(), 2u);
  EXPECT_EQ(laid[0].cache_id, second);
  EXPECT_EQ(laid[1].cache_id, first);
  auto changed = memo.find(file("a", 1001));
  EXPECT_TRUE(is_about(laid[0], changed));
  EXPECT_FALSE(is_about(laid[1], changed));
  EXPECT_TRUE(is_about(laid[0], memo.find(file("c"))));
}

TEST_F(StatMemoTest, NotesAreKeptWithoutRecordsAndTheOldestFallAway) {
  const auto other = sha256("COPY b /b");
  {
    auto memo = open();
    memo.note(other, std::string(64, 'b'));
    memo.save();
  }
  for (int i = 0; i < 30; i++) {
    auto memo = open();
    memo.note(sha256("COPY . /a"), fmt::format("{:064}", i));
    memo.save();
  }
  auto memo = open();
  EXPECT_TRUE(memo.laid_by(other).empty());
  auto laid = memo.laid_by(sha256("COPY . /a"));
  ASSERT_EQ(laid.size(), 16u);
  for (int i = 0; i < 16; i++) {
    EXPECT_EQ(laid[static_cast<std::size_t>(i)].cache_id, fmt::format("{:064}", 29 - i));
    EXPECT_EQ(laid[static_cast<std::size_t>(i)].number, static_cast<std::uint64_t>(31 - i));
  }
}

TEST_F(StatMemoTest, WhatThisBuildRecordsIsFoundInAnyOrder) {
  auto name = [](int i) { return fmt::format("d{:03}/some/longer/way/file{:06}", i / 100, i); };
  constexpr int kFiles = 3000;
  auto is_known = [&](StatMemo& memo, int i, int version) {
    auto sum = memo.find(file(name(i), 1000 + version));
    return sum && sum->sum == sha256(fmt::format("{} {}", i, version));
  };
  auto record = [&](StatMemo& memo, int i, int version) {
    EXPECT_TRUE(
        memo.record(file(name(i), 1000 + version), known(fmt::format("{} {}", i, version))));
  };
  auto memo = open();
  for (int i = 0; i < kFiles; i++) {  // as two threads do it, here and there a file later
    int at = i % 50 == 0 ? i + 1 : i % 50 == 1 ? i - 1 : i;
    EXPECT_FALSE(memo.find(file(name(at))));
    record(memo, at, 0);
  }
  for (int i = 7; i < kFiles; i += 500) record(memo, i, 1);
  auto all = [&](StatMemo& asked) {
    for (int step : {1, 7, kFiles - 1})
      for (int i = 0, at = 0; i < kFiles; i++, at = (at + step) % kFiles)
        ASSERT_TRUE(is_known(asked, at, at % 500 == 7 ? 1 : 0)) << name(at);
    for (const char* other :
         {"a", "d000/some/longer/way/file", "d001", "d005/some/longer/way/file000500.",
          "d029/some/longer/way/file0029999", "zzz"})
      EXPECT_FALSE(asked.find(file(other))) << other;
  };
  all(memo);
  memo.save();
  auto next = open();
  all(next);
}

TEST_F(StatMemoTest, ManyBlocksAreFoundInAnyOrder) {
  auto name = [](int i) { return fmt::format("d{}/some/longer/way/file{}", i / 100, i); };
  constexpr int kFiles = 3000;
  {
    auto memo = open();
    for (int i = 0; i < kFiles; i++) memo.record(file(name(i)), known(name(i)));
    memo.save();
  }
  auto memo = open();
  for (int step : {1, 7, kFiles - 1}) {
    for (int i = 0, at = 0; i < kFiles; i++, at = (at + step) % kFiles) {
      auto sum = memo.find(file(name(at)));
      ASSERT_TRUE(sum) << name(at);
      EXPECT_EQ(sum->sum, sha256(name(at)));
    }
  }
  EXPECT_FALSE(memo.find(file("d1/some/longer/way/file")));
  EXPECT_FALSE(memo.find(file("zzz")));
  memo.record(file("d5/new"), known("new"));
  memo.save();
  auto again = open();
  EXPECT_EQ(again.find(file("d5/new"))->sum, sha256("new"));
  for (int i = 0; i < kFiles; i++) EXPECT_TRUE(again.find(file(name(i)))) << i;
}

TEST_F(StatMemoTest, ADamagedBlockTakesNoOtherWithIt) {
  auto name = [](int i) { return fmt::format("directory/file{:06}", i); };
  constexpr int kFiles = 3000;
  {
    auto memo = open();
    for (int i = 0; i < kFiles; i++) memo.record(file(name(i)), known(name(i)));
    memo.save();
  }
  auto text = *read_file(own_.fd(), memo_path());
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  ASSERT_TRUE(write_file(own_.fd(), memo_path(), text, 0600));
  auto memo = open();
  int found = 0;
  for (int i = 0; i < kFiles; i++) {
    auto sum = memo.find(file(name(i)));
    if (sum) EXPECT_EQ(sum->sum, sha256(name(i)));
    found += sum ? 1 : 0;
  }
  EXPECT_LT(found, kFiles);
  EXPECT_GT(found, kFiles / 2);
}

TEST_F(StatMemoTest, AFileOfThisVeryTickIsNotRecorded) {
  {
    auto memo = open({1000, 50'000'000});
    memo.record(file("fresh"), known("x"));
    memo.record(file("old", 998), known("x"));
    auto coarse = file("coarse", 999);
    coarse.ctime.nanoseconds = 0;
    memo.record(coarse, known("x"));
    memo.save();
  }
  auto memo = open();
  EXPECT_FALSE(memo.find(file("fresh")));
  EXPECT_FALSE(memo.find(file("coarse", 999)));
  EXPECT_TRUE(memo.find(file("old", 998)));
}

TEST_F(StatMemoTest, DamageIsAnEmptyMemo) {
  {
    auto memo = open();
    memo.record(file("a"), known("a"));
    memo.save();
  }
  auto text = *read_file(own_.fd(), memo_path());
  for (std::size_t i = 0; i < text.size(); i += 5) {
    auto damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_file(own_.fd(), memo_path(), damaged, 0600));
    EXPECT_FALSE(open().find(file("a"))) << i;
  }
  ASSERT_TRUE(write_file(own_.fd(), memo_path(), text.substr(0, 40), 0600));
  EXPECT_FALSE(open().find(file("a")));
}

}  // namespace
}  // namespace strata::build

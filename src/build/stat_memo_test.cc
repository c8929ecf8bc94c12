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

class MemoNotes : public StatMemoTest {
 protected:
  static StatMemo::Known with_crc(std::string_view text, std::uint64_t crc = 7) {
    return {sha256(text), crc};
  }
  /// Whether the newest note says where the file has been laid down.
  bool is_laid(StatMemo& memo, const SourceFile& file) {
    auto known = memo.find(file);
    auto laid = memo.laid_by(step_);
    return known && known->crc && !laid.empty() && known->noted_from <= laid[0].number;
  }
  static std::string id(int i) { return fmt::format("{:064}", i); }

  Digest step_ = sha256("COPY . /a");
};

TEST_F(MemoNotes, AreAboutWhatTheirStepHasRecordedOrFound) {
  {
    auto memo = open();
    EXPECT_TRUE(memo.laid_by(step_).empty());
    auto first = memo.begin_step();
    memo.record(file("a"), with_crc("a", 0), first);  // a CRC may be 0
    memo.record(file("b"), known("b"), first);
    memo.note(step_, {id(1), first});
    memo.record(file("c"), with_crc("c"), memo.begin_step());
    memo.save();
  }
  {
    auto memo = open();
    auto laid = memo.laid_by(step_);
    ASSERT_EQ(laid.size(), 1u);
    EXPECT_EQ(laid[0].cache_id, id(1));
    EXPECT_TRUE(is_laid(memo, file("a")));
    EXPECT_EQ(memo.find(file("a"))->crc, 0u);
    EXPECT_FALSE(is_laid(memo, file("a", 1001)));
    EXPECT_FALSE(memo.find(file("b"))->crc);
    EXPECT_FALSE(is_laid(memo, file("c")));
    auto second = memo.begin_step();
    memo.record(file("a", 1001), with_crc("A"), second);
    EXPECT_FALSE(is_laid(memo, file("a", 1001)));
    memo.note(step_, {id(2), second});
    memo.save();
  }
  auto memo = open();
  EXPECT_EQ(memo.laid_by(step_)[0].cache_id, id(2));
  EXPECT_EQ(memo.laid_by(step_)[1].cache_id, id(1));
  EXPECT_TRUE(is_laid(memo, file("a", 1001)));
  EXPECT_TRUE(is_laid(memo, file("c")));
  memo.forget(memo.laid_by(step_)[0]);
  EXPECT_EQ(memo.laid_by(step_)[0].cache_id, id(1));
  EXPECT_FALSE(is_laid(memo, file("a", 1001)));
}

/// Steps that are done at once may come to different files of one path.
TEST_F(MemoNotes, AreNotAboutWhatAnotherStepMayHaveFoundOtherwise) {
  auto memo = open();
  auto first = memo.begin_step();
  memo.record(file("a"), with_crc("a"), first);
  auto second = memo.begin_step();  // finds it so
  memo.record(file("a", 1001), with_crc("A"), first);
  memo.record(file("b"), with_crc("b"), 0);
  for (auto number : {first, second}) {
    memo.note(step_, {id(1), number});
    for (const char* name : {"a", "b"}) {
      EXPECT_FALSE(is_laid(memo, file(name, 1001))) << number;
      EXPECT_FALSE(is_laid(memo, file(name))) << number;
    }
  }
  auto third = memo.begin_step();
  memo.note(step_, {id(1), third});
  EXPECT_TRUE(is_laid(memo, file("a", 1001)));
  EXPECT_TRUE(is_laid(memo, file("b")));
}

TEST_F(MemoNotes, AreNotAboutAFileThatWasAwayWhenAYoungOneWasLaidDown) {
  {
    auto memo = open();
    memo.record(file("a"), with_crc("a"), memo.begin_step());
    memo.save();
  }
  {
    auto memo = open();
    auto step = memo.begin_step();
    EXPECT_FALSE(memo.record(file("a", 2000), with_crc("A"), step));
    EXPECT_FALSE(memo.find(file("a")));
    memo.note(step_, {id(1), step});
    memo.save();
  }
  auto memo = open();
  EXPECT_FALSE(memo.find(file("a")));
}

TEST_F(MemoNotes, AreSavedTogetherWithAllThatWasRecorded) {
  {
    auto memo = open();
    auto first = memo.begin_step();
    memo.record(file("a"), with_crc("a"), first);
    memo.note(step_, {id(1), first});
    memo.save();
    auto second = memo.begin_step();  // of another build with the same memo
    memo.record(file("b"), with_crc("b"), second);
    memo.note(step_, {id(2), second});
    memo.save();
  }
  auto memo = open();
  EXPECT_EQ(memo.laid_by(step_).size(), 2u);
  EXPECT_TRUE(is_laid(memo, file("a")));
  EXPECT_TRUE(is_laid(memo, file("b")));
}

TEST_F(MemoNotes, AreFewForEachStep) {
  const auto other = sha256("COPY b /b");
  {
    auto memo = open();
    memo.note(other, {id(0), memo.begin_step()});
    memo.save();
  }
  for (int i = 1; i <= 40; i++) {
    auto memo = open();
    memo.note(step_, {id(i), memo.begin_step()});
    memo.save();
  }
  {
    auto memo = open();
    auto laid = memo.laid_by(step_);
    ASSERT_EQ(laid.size(), 4u);
    for (int i = 0; i < 4; i++) EXPECT_EQ(laid[static_cast<std::size_t>(i)].cache_id, id(40 - i));
    EXPECT_EQ(memo.laid_by(other).size(), 1u);
    for (int i = 0; i < 31; i++)
      memo.note(sha256(fmt::format("COPY {} /", i)), {id(i), memo.begin_step()});
    EXPECT_TRUE(memo.laid_by(other).empty());  // there are 32
    EXPECT_EQ(memo.laid_by(step_).size(), 1u);
    memo.save();
  }
  EXPECT_EQ(open().laid_by(sha256("COPY 0 /")).size(), 1u);
}

/// As after a power cut, from a file that is gone.
TEST_F(StatMemoTest, ABlockOfAnEarlierFileIsNoneOfThisOne) {
  auto save = [&](const char* content) {
    auto memo = open();
    memo.record(file("a"), known(content));
    memo.save();
    return *read_file(own_.fd(), memo_path());
  };
  auto before = save("before");
  auto after = save("after");
  ASSERT_EQ(before.size(), after.size());
  constexpr std::size_t kBlocks = 16 + sizeof(MemoHead) + 8;
  auto mixed = after.substr(0, kBlocks) + before.substr(kBlocks);
  ASSERT_TRUE(write_file(own_.fd(), memo_path(), mixed, 0600));
  EXPECT_FALSE(open().find(file("a")));
  ASSERT_TRUE(write_file(own_.fd(), memo_path(), after, 0600));
  EXPECT_EQ(open().find(file("a"))->sum, sha256("after"));
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

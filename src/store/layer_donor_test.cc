#include <algorithm>

#include "fs/xattr.h"
#include "store/detail/store_fixture.h"
#include "store/layer_writer.h"
#include "tar/crc64.h"

namespace strata {
namespace {

using tar::EntryType;

class LayerDonors : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    auto w = writer();
    add(w, dir_entry("d"));
    add(w, file_entry("d/big", big_.size()), big_);
    add(w, file_entry("d/small", 5), "small");
    add(w, file_entry("d/twin", 5), "small");
    auto link = link_entry("d/twin2", "d/twin", EntryType::HardLink);
    link.mode = 0644;
    add(w, link);
    donor_ = publish(std::move(w));
  }

  LayerWriter next() { return writer({}, must(find_donors(*store_, std::nullopt))); }
  /// One that knows what is in donor_.
  LayerWriter next_knowing() { return next_knowing(donor_); }
  LayerWriter next_knowing(const LayerInfo& layer) {
    auto donors = must(find_donors(*store_, std::nullopt));
    auto known = std::find_if(donors.begin(), donors.end(), [&](const DonorLayer& donor) {
      return donor.cache_id == layer.cache_id;
    });
    std::rotate(donors.begin(), known, known + 1);
    auto w = writer({}, std::move(donors));
    w.know_first_donor();
    return w;
  }
  ino_t donor_inode(const std::string& name) {
    return must(stat_at(AT_FDCWD, path(diff_path(donor_, name)))).st_ino;
  }
  static ino_t inode(const LayerWriter& w, const std::string& name) {
    return must(stat_at(w.diff(), name)).st_ino;
  }

  /// As a builder that knows the content does. False if `content` was not read.
  static bool is_read(LayerWriter& w, const tar::Entry& entry, std::string_view content) {
    StringSource source(content);
    EXPECT_OK(w.add_known(entry, tar::crc64(content), source));
    char rest = 0;
    return must(source.read({&rest, 1})) == 0;
  }

  std::string big_ = std::string(3 << 20, 'b');
  LayerInfo donor_;
};

TEST_F(LayerDonors, EqualFilesAreLinked) {
  auto w = next();
  add(w, dir_entry("d"));
  add(w, file_entry("d/big", big_.size()), big_);
  add(w, file_entry("d/small", 5), "small");
  EXPECT_OK(w.settle());
  EXPECT_EQ(inode(w, "d/big"), donor_inode("d/big"));
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));
  auto sealed = must(w.seal());
  EXPECT_EQ(sealed.size, static_cast<std::int64_t>(big_.size()) + 5);
  auto layer = must(w.publish(std::nullopt));
  put_image({donor_.diff_id}, "a:1");
  put_image({layer.diff_id}, "b:1");
  expect_sound({"--expect-clean", "--rebuild-from-diff"});
}

TEST_F(LayerDonors, OtherContentIsWritten) {
  auto other = big_;
  other[2000000] = 'X';
  auto w = next();
  add(w, dir_entry("d"));
  add(w, file_entry("d/big", other.size()), other);
  add(w, file_entry("d/small", 5), "smaLl");
  EXPECT_OK(w.settle());
  EXPECT_NE(inode(w, "d/big"), donor_inode("d/big"));
  EXPECT_EQ(must(read_file(w.diff(), "d/big")), other);
  EXPECT_EQ(must(read_file(w.diff(), "d/small")), "smaLl");
  EXPECT_EQ(read(diff_path(donor_, "d/big")), big_);
}

struct OtherMetadata {
  const char* name;
  void (*change)(tar::Entry&);
};
class LayerDonorsMetadata : public LayerDonors,
                            public testing::WithParamInterface<OtherMetadata> {};

TEST_P(LayerDonorsMetadata, IsNotLinked) {
  auto w = next();
  add(w, dir_entry("d"));
  auto entry = file_entry("d/small", 5);
  GetParam().change(entry);
  add(w, entry, "small");
  EXPECT_NE(inode(w, "d/small"), donor_inode("d/small"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LayerDonorsMetadata,
    testing::Values(OtherMetadata{"Mode", [](tar::Entry& e) { e.mode = 0600; }},
                    OtherMetadata{"Owner", [](tar::Entry& e) { e.uid = 1; }},
                    OtherMetadata{"Group", [](tar::Entry& e) { e.gid = 1; }},
                    OtherMetadata{"Time", [](tar::Entry& e) { e.mtime.seconds++; }},
                    OtherMetadata{"Nanoseconds", [](tar::Entry& e) { e.mtime.nanoseconds = 1; }},
                    OtherMetadata{"Xattrs",
                                  [](tar::Entry& e) {
                                    e.xattrs = {{"user.x", "1"}};
                                  }}),
    [](const auto& c) { return std::string(c.param.name); });

TEST_F(LayerDonors, OtherPathsAreNotLinked) {
  auto w = next();
  add(w, file_entry("small", 5), "small");
  EXPECT_NE(inode(w, "small"), donor_inode("d/small"));
}

TEST_F(LayerDonors, TwoFilesNeverBecomeOne) {
  auto w = next();
  add(w, dir_entry("d"));
  add(w, file_entry("d/twin", 5), "small");
  add(w, file_entry("d/twin2", 5), "small");
  EXPECT_EQ(inode(w, "d/twin"), donor_inode("d/twin"));
  EXPECT_NE(inode(w, "d/twin2"), donor_inode("d/twin"));
}

TEST_F(LayerDonors, AFileWithTwoNamesIsItsOwn) {
  auto w = next();
  add(w, dir_entry("d"));
  auto small = file_entry("d/small", 5);
  add(w, small, "small");
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));
  auto link = link_entry("d/small2", "d/small", EntryType::HardLink);
  link.mode = 0600;
  add(w, link);
  EXPECT_NE(inode(w, "d/small"), donor_inode("d/small"));
  EXPECT_EQ(inode(w, "d/small"), inode(w, "d/small2"));
  EXPECT_EQ(must(read_file(w.diff(), "d/small")), "small");
  EXPECT_EQ(must(stat_at(w.diff(), "d/small")).st_mtim.tv_sec, 1700000000);
  EXPECT_EQ(mode(diff_path(donor_, "d/small")), 0644u);  // untouched
}

TEST_F(LayerDonors, AnUnreadableSourceLeavesTheDonorAlone) {
  auto w = next();
  add(w, dir_entry("d"));
  StringSource half(std::string_view(big_).substr(0, 1 << 20));
  EXPECT_FALSE(w.add(file_entry("d/big", big_.size()), &half));
  EXPECT_EQ(read(diff_path(donor_, "d/big")), big_);
}

TEST_F(LayerDonors, ATarIsLinkedToo) {
  auto w = next();
  auto tar = TarText().add(file_entry("d/small", 5), "small").end();
  StringSource source(tar);
  EXPECT_OK(w.add_tar(source));
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));
}

/// A whiteout of its own name: what a tar says last counts.
TEST_F(LayerDonors, WhatIsInTheWayOfALinkIsReplaced) {
  auto w = next();
  auto tar =
      TarText().add(file_entry("d/.wh.small", 0)).add(file_entry("d/small", 5), "small").end();
  StringSource source(tar);
  EXPECT_OK(w.add_tar(source));
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));
}

/// A file at every level of a chain of directories deeper than what is kept open; then one at the
/// top. The younger of two donors has those of every third level only.
TEST_F(LayerDonors, DeepFilesAreLinkedFromWhoeverHasThem) {
  constexpr int kDepth = 24;
  enum class Which : std::uint8_t { All, EveryThird };
  auto fill = [](LayerWriter& w, Which which) {
    std::string directory;
    for (int level = 0; level < kDepth; level++) {
      directory += directory.empty() ? "n" : "/n";
      add(w, dir_entry(directory));
      if (which == Which::All || level % 3 == 0) add(w, file_entry(directory + "/a", 2), "aa");
    }
    for (; directory.size() > 1; directory.resize(directory.size() - 2))  // on the way back
      add(w, file_entry(directory + "/z", 2), "zz");
    add(w, file_entry("z", 1), "z");
    EXPECT_OK(w.settle());
  };
  auto old = writer();
  fill(old, Which::All);
  auto older = publish(std::move(old));
  auto young = writer();
  fill(young, Which::EveryThird);
  auto younger = publish(std::move(young));
  auto both = [&](const LayerInfo& first, const LayerInfo& second) {
    std::vector<DonorLayer> donors;
    for (const auto* layer : {&first, &second})
      donors.push_back(
          {layer->cache_id, std::nullopt, must(store_->caches().open_diff(layer->cache_id))});
    return donors;
  };
  auto w = writer({}, both(younger, older));
  fill(w, Which::All);
  auto in = [&](const LayerInfo& layer, const std::string& name) {
    return must(stat_at(AT_FDCWD, path(diff_path(layer, name)))).st_ino;
  };
  std::string directory = "n";
  for (int level = 0; level < kDepth; level++, directory += "/n") {
    EXPECT_EQ(inode(w, directory + "/a"), in(level % 3 == 0 ? younger : older, directory + "/a"));
    if (level > 0) EXPECT_EQ(inode(w, directory + "/z"), in(younger, directory + "/z"));
  }
  EXPECT_EQ(inode(w, "z"), in(younger, "z"));
}

TEST_F(LayerDonors, AKnownFileIsLinkedWithoutItsSource) {
  auto w = next_knowing();
  add(w, dir_entry("d"));
  EXPECT_FALSE(is_read(w, file_entry("d/big", big_.size()), big_));
  EXPECT_FALSE(is_read(w, file_entry("d/small", 5), "small"));
  EXPECT_OK(w.settle());
  EXPECT_EQ(inode(w, "d/big"), donor_inode("d/big"));
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));

  auto read = next();
  add(read, dir_entry("d"));
  add(read, file_entry("d/big", big_.size()), big_);
  add(read, file_entry("d/small", 5), "small");
  auto sealed = must(w.seal());
  EXPECT_EQ(sealed.diff_id, must(read.seal()).diff_id);
  EXPECT_EQ(sealed.size, static_cast<std::int64_t>(big_.size()) + 5);
}

TEST_F(LayerDonors, ADonorThatIsNotTheKnownFileIsNotTaken) {
  auto other = big_;
  other.back() = 'X';  // seen when all of it has been digested
  auto later = file_entry("d/twin", 5);
  later.mtime.seconds++;
  auto fill = [&](LayerWriter& w, bool is_known) {
    auto put = [&](const tar::Entry& entry, std::string_view content) {
      if (is_known)
        EXPECT_TRUE(is_read(w, entry, content)) << entry.name;
      else
        add(w, entry, std::string(content));
    };
    add(w, dir_entry("d"));
    put(file_entry("d/big", big_.size()), other);
    put(file_entry("d/other", 5), "small");
    put(file_entry("d/small", 5), "smaLl");
    put(later, "small");
    EXPECT_OK(w.settle());
  };
  auto w = next_knowing();
  fill(w, /*is_known=*/true);
  EXPECT_NE(inode(w, "d/big"), donor_inode("d/big"));
  EXPECT_TRUE(must(read_file(w.diff(), "d/big")) == other);
  EXPECT_EQ(must(read_file(w.diff(), "d/small")), "smaLl");
  auto plain = writer();
  fill(plain, /*is_known=*/false);
  EXPECT_EQ(must(w.seal()).diff_id, must(plain.seal()).diff_id);
}

TEST_F(LayerDonors, AnErrorOfAKnownFileBeginsWithItsName) {
  for (const char* name : {"d/small", "d/other"}) {  // the donor has another one, or none
    auto w = next_knowing();
    add(w, dir_entry("d"));
    StringSource shorter("smal");
    auto done = w.add_known(file_entry(name, 5), tar::crc64("smaLl"), shorter);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message(), std::string(name) + ": ends 1 bytes before its size of 5");
  }
}

/// Nobody but the known layer vouches for a content that is not read.
TEST_F(LayerDonors, WhatOtherDonorsHaveIsNotKnown) {
  auto other = writer();
  add(other, file_entry("x", 5), "small");
  auto known = publish(std::move(other));
  auto w = next_knowing(known);
  add(w, dir_entry("d"));
  EXPECT_TRUE(is_read(w, file_entry("d/small", 5), "small"));
  EXPECT_FALSE(is_read(w, file_entry("x", 5), "small"));
  EXPECT_OK(w.settle());
  EXPECT_EQ(inode(w, "d/small"), donor_inode("d/small"));  // it was compared

  auto without = next();
  EXPECT_TRUE(is_read(without, file_entry("x", 5), "small"));
}

/// A file of one batch, and one of many.
TEST_F(LayerDonors, KnownFilesStayTwoWhereTheDonorHasOne) {
  auto first = writer();
  auto link = [&](const std::string& name, const std::string& of) {
    auto entry = link_entry(name, of, EntryType::HardLink);
    entry.mode = 0644;
    return entry;
  };
  add(first, file_entry("a", 5), "small");
  add(first, link("a2", "a"));
  add(first, file_entry("b", big_.size()), big_);
  add(first, link("b2", "b"));
  donor_ = publish(std::move(first));
  auto w = next_knowing();
  EXPECT_FALSE(is_read(w, file_entry("a", 5), "small"));
  EXPECT_FALSE(is_read(w, file_entry("a2", 5), "small"));
  EXPECT_FALSE(is_read(w, file_entry("b", big_.size()), big_));
  EXPECT_FALSE(is_read(w, file_entry("b2", big_.size()), big_));
  EXPECT_OK(w.settle());
  for (const char* name : {"a", "b"}) EXPECT_EQ(inode(w, name), donor_inode(name));
  for (const char* name : {"a2", "b2"}) {
    EXPECT_NE(inode(w, name), donor_inode(name));
    EXPECT_EQ(must(stat_at(w.diff(), name)).st_mtim.tv_sec, 1700000000);
  }
  EXPECT_EQ(must(read_file(w.diff(), "a2")), "small");
  EXPECT_TRUE(must(read_file(w.diff(), "b2")) == big_);
}

/// So many that they go through all batches.
TEST_F(LayerDonors, ManyKnownFilesAreOneAfterTheOther) {
  constexpr int kFiles = 300;
  auto name = [](int i) { return fmt::format("d/f{:03}", i); };
  auto text = [](int i) { return std::string(static_cast<std::size_t>(i) * 250 + 1, 'x'); };
  auto fill = [&](LayerWriter& w, bool is_known) {
    add(w, dir_entry("d"));
    for (int i = 0; i < kFiles; i++) {
      auto entry = file_entry(name(i), text(i).size());
      if (is_known)
        EXPECT_FALSE(is_read(w, entry, text(i))) << i;
      else
        add(w, entry, text(i));
    }
    EXPECT_OK(w.settle());
  };
  auto first = writer();
  fill(first, /*is_known=*/false);
  donor_ = publish(std::move(first));
  auto w = next_knowing();
  fill(w, /*is_known=*/true);
  for (int i = 0; i < kFiles; i++) EXPECT_EQ(inode(w, name(i)), donor_inode(name(i)));
  EXPECT_EQ(must(w.seal()).diff_id, donor_.diff_id);
}

TEST_F(LayerDonors, SiblingsComeBeforeTheLayersBelow) {
  auto top = must(apply(TarText().add(file_entry("top", 1), "t").end(), {donor_.diff_id}));
  auto donors = must(find_donors(*store_, donor_.chain_id));
  ASSERT_EQ(donors.size(), 2u);
  EXPECT_TRUE(stat_at(donors[0].diff.get(), "top"));
  EXPECT_EQ(donors[0].cache_id, top.cache_id);
  EXPECT_EQ(donors[0].parent, donor_.chain_id);
  EXPECT_TRUE(stat_at(donors[1].diff.get(), "d/big"));
  EXPECT_EQ(donors[1].parent, std::nullopt);
  EXPECT_EQ(must(find_donors(*store_, top.chain_id)).size(), 2u);
}

}  // namespace
}  // namespace strata

#include "store/image_db.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

class ImageDBTest : public StoreTest {
 protected:
  const ImageDB& images() { return store_->images(); }
  static std::string config(const std::string& author) {
    ImageConfig c;
    c.author = author;
    return encode_image_config(c);
  }
  std::string content(ImageID id) {
    return "image/overlay2/imagedb/content/sha256/" + id.digest().hex();
  }
  std::string metadata(ImageID id, const std::string& key) {
    return "image/overlay2/imagedb/metadata/sha256/" + id.digest().hex() + "/" + key;
  }
};

TEST_F(ImageDBTest, KeepsTheBytes) {
  std::string foreign =
      R"({ "unknown":1, "os":"linux", "rootfs":{"type":"layers","diff_ids":[]} })";
  auto id = must(images().put(foreign, std::nullopt, false));
  EXPECT_EQ(id.digest(), sha256(foreign));
  EXPECT_EQ(mode(content(id)), 0600u);
  auto image = must(images().get(id));
  EXPECT_EQ(image.bytes, foreign);
  EXPECT_EQ(image.config.os, "linux");
  EXPECT_FALSE(there(metadata(id, "")));
  EXPECT_EQ(must(images().put(foreign, std::nullopt, false)), id);
  EXPECT_EQ(must(images().list()), std::vector<ImageID>{id});
}

TEST_F(ImageDBTest, ParentsAndChildren) {
  auto a = must(images().put(config("a"), std::nullopt, true));
  auto b = must(images().put(config("b"), a, true));
  auto c = must(images().put(config("c"), std::nullopt, false));
  EXPECT_EQ(read(metadata(b, "parent")), a.str());
  EXPECT_EQ(read(metadata(b, "builtLocally")), "\x01");
  EXPECT_EQ(mode(metadata(b, "")), 0700u);
  EXPECT_EQ(mode(metadata(b, "parent")), 0600u);
  EXPECT_EQ(images().parent(b), a);
  EXPECT_EQ(images().parent(c), std::nullopt);
  EXPECT_EQ(must(images().children(a)), std::vector<ImageID>{b});
  EXPECT_EQ(must(images().children(std::nullopt)), std::vector<ImageID>{a});
  auto bytes = must(images().get(b)).bytes;
  EXPECT_EQ(must(images().children(a, std::string_view(bytes).substr(3))), std::vector<ImageID>{b});
  EXPECT_EQ(must(images().children(a, bytes + "x")), std::vector<ImageID>());

  // What another process does meanwhile is seen.
  auto d = must(Store::open(root_, Store::Access::Write));
  auto late = must(d->images().put(config("late"), a, true));
  EXPECT_EQ(must(images().children(a)).size(), 2u);
  EXPECT_OK(d->images().remove(late, must(d->images().parents())));
  EXPECT_EQ(must(images().children(a)), std::vector<ImageID>{b});

  EXPECT_OK(images().remove(a, must(images().parents())));
  EXPECT_FALSE(images().contains(a));
  EXPECT_FALSE(there(metadata(a, "")));
  EXPECT_FALSE(there(metadata(b, "parent")));
  EXPECT_TRUE(images().contains(b));
  auto again = images().remove(a, must(images().parents()));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::NotFound);
}

/// So many that who they stand on is kept in ROOT/strata.
class ImageFamilies : public ImageDBTest {
 protected:
  static constexpr const char* kKept = "strata/family";

  void SetUp() override {
    ImageDBTest::SetUp();
    base_ = must(images().put(config("base"), std::nullopt, true));
    for (int i = 0; i < 40; i++) {
      children_.push_back(
          must(images().put(config(std::to_string(i)), i < 20 ? base_ : first_, true)));
      if (i == 0) first_ = children_.front();
    }
    on_first_.assign(children_.begin() + 20, children_.end());
    children_.resize(20);
    std::sort(children_.begin(), children_.end());
    std::sort(on_first_.begin(), on_first_.end());
    look();
  }

  /// As a process that has read nothing yet, when the last change is some ticks of the clock ago.
  void look() {
    ::usleep(40'000);
    reopen();
    EXPECT_EQ(must(images().children(base_)), children_);
    EXPECT_EQ(must(images().children(first_)), on_first_);
    EXPECT_EQ(must(images().children(std::nullopt)), std::vector<ImageID>{base_});
  }

  ImageID base_;
  ImageID first_;
  std::vector<ImageID> children_;
  std::vector<ImageID> on_first_;
};

TEST_F(ImageFamilies, AreKeptAndFoundAgain) {
  ASSERT_TRUE(there(kKept));
  const auto kept = read(kKept);
  look();
  EXPECT_EQ(read(kKept), kept);
}

TEST_F(ImageFamilies, WhatCameAndWentSinceIsSeen) {
  auto late = must(images().put(config("late"), first_, true));
  on_first_.push_back(late);
  std::sort(on_first_.begin(), on_first_.end());
  look();
  EXPECT_OK(images().remove(late, must(images().parents())));
  std::erase(on_first_, late);
  look();
}

TEST_F(ImageFamilies, AnImageThatIsThereMayGetAParent) {
  auto loaded = must(images().put(config("loaded"), std::nullopt, false));
  EXPECT_OK(images().set_last_updated(loaded, Time{1700000000, 0}));
  look();
  ASSERT_TRUE(must(images().put(config("loaded"), first_, true)) == loaded);
  on_first_.push_back(loaded);
  std::sort(on_first_.begin(), on_first_.end());
  look();
}

TEST_F(ImageFamilies, ADamagedFileIsNone) {
  const auto kept = read(kKept);
  for (auto text : {std::string(), kept.substr(0, 20), kept.substr(0, kept.size() - 1), kept + "x",
                    "X" + kept.substr(1), kept.substr(0, 60) + "X" + kept.substr(61)}) {
    std::ofstream(path(kKept), std::ios::trunc) << text;
    look();
    EXPECT_EQ(read(kKept).size(), kept.size());
  }
}

TEST_F(ImageDBTest, LastUpdated) {
  auto id = must(images().put(config("a"), std::nullopt, false));
  EXPECT_EQ(images().last_updated(id), std::nullopt);
  Time when{1700000000, 120000000};
  EXPECT_OK(images().set_last_updated(id, when));
  EXPECT_EQ(read(metadata(id, "lastUpdated")), "2023-11-14T22:13:20.12Z");
  EXPECT_EQ(images().last_updated(id), when);
}

TEST_F(ImageDBTest, VerifiesWhatItReads) {
  auto id = must(images().put(config("a"), std::nullopt, false));
  std::ofstream(path(content(id)), std::ios::app) << " ";
  auto image = images().get(id);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code(), ErrorCode::Corrupt);
  must(images().put(config("a"), std::nullopt, false));  // storing it again repairs it
  EXPECT_TRUE(images().get(id));
  auto text = must(images().put("no config", std::nullopt, false));
  EXPECT_EQ(images().get(text).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(images().get(ImageID(sha256("?"))).error().code(), ErrorCode::NotFound);
}

TEST_F(ImageDBTest, FindsByPrefix) {
  std::map<char, int> first;
  std::vector<ImageID> ids;
  for (int i = 0; i < 20; i++) {  // more than 16: two of them begin with the same digit
    ids.push_back(must(images().put(config(std::to_string(i)), std::nullopt, false)));
    first[ids.back().digest().hex()[0]]++;
  }
  std::ofstream(path("image/overlay2/imagedb/content/sha256/.tmp-123")) << "left by a crash";
  EXPECT_EQ(must(images().list()).size(), 20u);
  EXPECT_EQ(must(images().find(ids[7].digest().hex().substr(0, 12))), ids[7]);
  EXPECT_EQ(images().find("").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(images().find("xyz").error().code(), ErrorCode::NotFound);
  for (const auto& [digit, count] : first) {
    auto found = images().find(std::string(1, digit));
    EXPECT_EQ(found.has_value(), count == 1) << digit;
    if (count > 1) {
      EXPECT_EQ(found.error().code(), ErrorCode::InvalidArgument);
    }
  }
}

}  // namespace
}  // namespace strata

#include "collect/remove_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "base/io.h"
#include "base/test_dir.h"
#include "collect/buildkit.h"
#include "collect/disk_usage.h"
#include "collect/sweep.h"
#include "store/image_notes.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

using Lines = std::vector<std::string>;

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().message());
  return *std::move(result);
}

/// A store of images that are made of one-file layers.
class Removal : public testing::Test {
 protected:
  void SetUp() override {
    root_ = temp_.path() + "/root";
    reopen();
  }

  void reopen() {
    store_.reset();
    store_ = must(Store::open(root_, Store::Access::Write));
  }

  LayerInfo layer(const std::vector<DiffID>& below, const std::string& content) {
    auto w = must(LayerWriter::create(*store_, must(layer_base(*store_, below)), {}));
    tar::Entry file;
    file.name = "file";
    file.mode = 0644;
    file.size = static_cast<std::int64_t>(content.size());
    StringSource source(content);
    EXPECT_TRUE(w.add(file, &source));
    must(w.seal());
    return must(w.publish(below.empty() ? std::nullopt : std::optional(chain_ids(below).back())));
  }

  ImageID image(const std::vector<DiffID>& diff_ids, const std::string& name,
                const std::optional<ImageID>& parent = std::nullopt) {
    ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.comment = name;
    config.created = Time{1'700'000'000 + count_++, 0};
    config.diff_ids = diff_ids;
    auto id = must(store_->images().put(encode_image_config(config), parent, true));
    if (!name.empty()) tag(name, id);
    return id;
  }

  void tag(const std::string& name, ImageID id) {
    must(store_->references().set(must(Reference::parse_normalized(name)), id));
  }

  static Lines lines(const RemovedItems& items) {
    Lines out;
    for (const auto& item : items)
      out.push_back((item.kind == RemovedItem::Kind::Deleted ? "D " : "U ") + item.text);
    return out;
  }

  /// The removal's lines, or its error.
  Lines remove(const std::string& name, const RemoveImageRequest& request = {}) {
    auto removal = must(ImageRemoval::begin(*store_));
    auto removed = removal.remove(name, request);
    EXPECT_TRUE(removal.finish());
    return removed ? lines(*removed) : Lines{removed.error().message()};
  }

  std::size_t entries(const std::string& below) {
    auto dir = must(open_dir(store_->dir(), below));
    return must(list_dir(dir.get())).size();
  }

  TestDir temp_{"strata-collect-"};
  std::string root_;
  std::unique_ptr<Store> store_;
  int count_ = 0;
};

TEST_F(Removal, TakesLaterWhatAnotherProcessWorkedWith) {
  auto bottom = layer({}, "1");
  auto top = layer({bottom.diff_id}, "22");
  auto other = layer({}, "333");
  auto a = image({bottom.diff_id, top.diff_id}, "a:1");
  auto b = image({other.diff_id}, "b:1");
  reopen();
  auto building = must(Store::open(root_, Store::Access::Write));
  EXPECT_TRUE(building->hold(top.chain_id));
  EXPECT_EQ(remove("a:1"), (Lines{"U a:1", "D " + a.str()}));
  EXPECT_EQ(entries("strata/leftovers"), 1u);
  EXPECT_EQ(remove("nope"), (Lines{"No such image: nope"}));
  EXPECT_TRUE(store_->layers().contains(top.chain_id));
  building.reset();
  EXPECT_EQ(remove("b:1"), (Lines{"U b:1", "D " + b.str(), "D " + other.chain_id.str()}));
  EXPECT_EQ(entries("image/overlay2/layerdb/sha256"), 0u);
  EXPECT_EQ(entries("overlay2"), 1u);  // l
  EXPECT_EQ(entries("strata/leftovers"), 0u);
}

TEST_F(Removal, ALeftoverThatIsNeededAgainStays) {
  auto one = layer({}, "1");
  image({one.diff_id}, "a:1");
  reopen();
  auto building = must(Store::open(root_, Store::Access::Write));
  EXPECT_TRUE(building->hold(one.chain_id));
  remove("a:1");
  image({one.diff_id}, "b:1");
  building.reset();
  remove("nope");
  EXPECT_TRUE(store_->layers().contains(one.chain_id));
  EXPECT_EQ(entries("strata/leftovers"), 0u);
  remove("b:1");
  EXPECT_FALSE(store_->layers().contains(one.chain_id));
}

TEST_F(Removal, TakesOnlyLayersThatNobodyElseNeeds) {
  auto bottom = layer({}, "1");
  auto left = layer({bottom.diff_id}, "22");
  auto right = layer({bottom.diff_id}, "333");
  auto a = image({bottom.diff_id, left.diff_id}, "a:1");
  auto b = image({bottom.diff_id, right.diff_id}, "b:1");
  reopen();  // what was published is not held any more
  EXPECT_EQ(remove("a:1"), (Lines{"U a:1", "D " + a.str(), "D " + left.chain_id.str()}));
  EXPECT_EQ(remove("b:1"), (Lines{"U b:1", "D " + b.str(), "D " + right.chain_id.str(),
                                  "D " + bottom.chain_id.str()}));
  EXPECT_EQ(entries("overlay2"), 1u);  // l
  EXPECT_EQ(entries("overlay2/l"), 0u);
  EXPECT_EQ(entries("image/overlay2/layerdb/sha256"), 0u);
  EXPECT_EQ(entries("image/overlay2/imagedb/metadata/sha256"), 0u);
}

TEST_F(Removal, WhatAnotherProcessWorksWithStays) {
  auto bottom = layer({}, "1");
  auto a = image({bottom.diff_id}, "a:1");
  reopen();
  auto other = must(Store::open(root_, Store::Access::Write));
  must(layer_base(*other, {bottom.diff_id}));  // as a build begins
  EXPECT_EQ(remove("a:1"), (Lines{"U a:1", "D " + a.str()}));
  EXPECT_TRUE(store_->layers().contains(bottom.chain_id));
  other.reset();
  EXPECT_TRUE(must(store_->take_alone()));
  EXPECT_GT(must(sweep(*store_)), 0);
  EXPECT_FALSE(store_->layers().contains(bottom.chain_id));
  EXPECT_EQ(entries("overlay2"), 1u);
}

TEST_F(Removal, ADamagedLayerStaysAndNeedsNothing) {
  for (const char* field : {"diff", "size", "cache-id", "parent"}) {
    auto bottom = layer({}, "1");
    auto left = layer({bottom.diff_id}, "22");
    auto right = layer({bottom.diff_id}, "333");
    auto a = image({bottom.diff_id, left.diff_id}, "a:1");
    auto b = image({bottom.diff_id, right.diff_id}, "b:1");
    reopen();
    auto entry = "image/overlay2/layerdb/sha256/" + left.chain_id.digest().hex();
    EXPECT_TRUE(write_file(store_->dir(), entry + "/" + field, "", 0644));
    EXPECT_EQ(remove("a:1"), (Lines{"U a:1", "D " + a.str()})) << field;
    EXPECT_EQ(remove("b:1"), (Lines{"U b:1", "D " + b.str(), "D " + right.chain_id.str(),
                                    "D " + bottom.chain_id.str()}))
        << field;
    EXPECT_EQ(entries("image/overlay2/layerdb/sha256"), 1u);
    EXPECT_TRUE(remove_tree(store_->dir(), entry));
  }
}

TEST_F(Removal, ALayerWhoseOtherFilesCannotBeReadNowStays) {
  auto bottom = layer({}, "1");
  auto top = layer({bottom.diff_id}, "22");
  image({bottom.diff_id}, "a:1");
  reopen();
  // Neither damaged nor sound: opening it is an error of the system (ELOOP).
  auto size = "image/overlay2/layerdb/sha256/" + top.chain_id.digest().hex() + "/size";
  ASSERT_EQ(::unlinkat(store_->dir(), size.c_str(), 0), 0);
  ASSERT_EQ(::symlinkat("size", store_->dir(), size.c_str()), 0);
  EXPECT_EQ(remove("a:1").size(), 1u);
  EXPECT_TRUE(store_->layers().contains(bottom.chain_id));
}

TEST_F(Removal, WhatAProcessTookOverFromAContainerGoesAfterIt) {
  auto bottom = layer({}, "1");
  auto building = must(Store::open(root_, Store::Access::Write));
  EXPECT_TRUE(building->hold(bottom.chain_id));
  reopen();
  auto release = [&] {
    EXPECT_TRUE(release_base(*store_, {bottom.chain_id, "sha256:" + std::string(64, 'a')}));
  };
  release();
  EXPECT_TRUE(store_->layers().contains(bottom.chain_id));
  EXPECT_EQ(entries("strata/leftovers"), 1u);
  building.reset();
  remove("nope");
  EXPECT_FALSE(store_->layers().contains(bottom.chain_id));
}

TEST_F(Removal, LayersOfDockerdsBuildCacheStay) {
  auto bottom = layer({}, "1");
  image({bottom.diff_id}, "a:1");
  reopen();
  EXPECT_TRUE(make_dirs(store_->dir(), "buildkit", 0711));
  std::ofstream(root_ + "/buildkit/snapshots.db") << "\x01\x02"
                                                     "chainid"
                                                  << bottom.chain_id.str() << "\x03";
  EXPECT_EQ(remove("a:1").size(), 2u);
  EXPECT_TRUE(store_->layers().contains(bottom.chain_id));
}

/// A bolt database of two pages with content: a bucket of one small bucket, and a page that is
/// free.
std::string bolt_file(const std::string& key, const std::string& value) {
  constexpr std::size_t kPage = 4096;
  std::string file(4 * kPage, '\0');
  auto put = [&](std::size_t at, auto number) {
    std::memcpy(file.data() + at, &number, sizeof number);
  };
  put(16, std::uint32_t{0xED0CDAED});
  put(20, std::uint32_t{2});
  put(24, std::uint32_t{kPage});
  put(32, std::uint64_t{2});  // the root's page
  put(64, std::uint64_t{7});  // transaction
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 16; i < 72; i++)
    hash = (hash ^ static_cast<unsigned char>(file[i])) * 0x100000001b3;
  put(72, hash);
  std::size_t root = 2 * kPage;
  put(root + 8, std::uint16_t{2});   // a leaf
  put(root + 10, std::uint16_t{1});  // of one element
  put(root + 16, std::uint32_t{1});  // a bucket
  put(root + 20, std::uint32_t{16});
  put(root + 24, std::uint32_t{1});
  auto inline_size = 16 + 16 + 16 + key.size() + value.size();
  put(root + 28, static_cast<std::uint32_t>(inline_size));
  file[root + 32] = 'b';
  std::size_t page = root + 33 + 16;  // behind the bucket's header
  put(page + 8, std::uint16_t{2});
  put(page + 10, std::uint16_t{1});
  put(page + 20, std::uint32_t{16});
  put(page + 24, static_cast<std::uint32_t>(key.size()));
  put(page + 28, static_cast<std::uint32_t>(value.size()));
  std::copy(key.begin(), key.end(), file.begin() + static_cast<std::ptrdiff_t>(page + 32));
  std::copy(value.begin(), value.end(),
            file.begin() + static_cast<std::ptrdiff_t>(page + 32 + key.size()));
  file.replace(3 * kPage + 100, 9, "forgotten");
  return file;
}

TEST(BoltTest, OnlyWhatIsReachedCounts) {
  auto file = bolt_file("key", "a value");
  EXPECT_EQ(must(bolt_contents(file)), "b\nkeya value\n");
  for (std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{8192}, std::size_t{8200}})
    EXPECT_FALSE(bolt_contents(std::string_view(file).substr(0, size)));
  for (std::size_t at = 8192; at < 8300; at++) {  // whatever is damaged: no crash
    auto damaged = file;
    damaged[at] = '\xff';
    (void)bolt_contents(damaged);
  }
}

TEST_F(Removal, ALayerThatTheBuildCacheHasForgottenGoes) {
  auto bottom = layer({}, "1");
  image({bottom.diff_id}, "a:1");
  reopen();
  EXPECT_TRUE(make_dirs(store_->dir(), "buildkit", 0711));
  auto file = bolt_file("x", "y");
  file.replace(3 * 4096 + 8, 71, bottom.chain_id.str());
  std::ofstream(root_ + "/buildkit/snapshots.db") << file;
  EXPECT_EQ(remove("a:1").size(), 3u);
  EXPECT_FALSE(store_->layers().contains(bottom.chain_id));
}

TEST_F(Removal, ParentsGoIfNobodyNamesThem) {
  auto base = image({}, "base:1");
  auto step = image({}, "", base);
  auto top = image({}, "top:1", step);
  EXPECT_EQ(remove("base:1"), (Lines{"U base:1"}));
  EXPECT_EQ(remove("top:1"),
            (Lines{"U top:1", "D " + top.str(), "D " + step.str(), "D " + base.str()}));
}

TEST_F(Removal, ParentsMayBeKeptAndChildrenForgetThem) {
  auto base = image({}, "base:1");
  auto top = image({}, "top:1", base);
  EXPECT_EQ(remove(base.digest().hex(), {.force = true}),
            (Lines{"conflict: unable to delete " + base.digest().hex().substr(0, 12) +
                   " (cannot be forced) - image has dependent child images"}));
  EXPECT_EQ(remove("top:1", {.prune_parents = false}), (Lines{"U top:1", "D " + top.str()}));
  EXPECT_EQ(remove("base:1"), (Lines{"U base:1", "D " + base.str()}));
}

TEST_F(Removal, ByIdWithSeveralNames) {
  auto digest = "@sha256:" + std::string(64, 'd');
  auto id = image({}, "b:1");
  tag("b" + digest, id);
  tag("a:2", id);
  auto text = id.str();
  EXPECT_EQ(remove(text),
            (Lines{"conflict: unable to delete " + id.digest().hex().substr(0, 12) +
                   " (must be forced) - image is referenced in multiple repositories"}));
  EXPECT_EQ(remove("a:2"), (Lines{"U a:2"}));
  EXPECT_EQ(remove(text), (Lines{"U b:1", "U b" + digest, "D " + text}));
}

TEST_F(Removal, TheLastTagOfARepositoryTakesItsDigests) {
  auto digest = "@sha256:" + std::string(64, 'd');
  auto id = image({}, "b:1");
  tag("b" + digest, id);
  tag("c:1", id);
  EXPECT_EQ(remove("b:1"), (Lines{"U b:1", "U b" + digest}));
  EXPECT_TRUE(store_->images().contains(id));
}

TEST_F(Removal, PruneSparesWhatARunningBuildMade) {
  auto id = image({}, "");
  auto building = must(Store::open(root_, Store::Access::Write));
  EXPECT_TRUE(building->hold(id));
  auto prune = [&] {
    auto removal = must(ImageRemoval::begin(*store_));
    auto items = must(removal.prune(true, {}));
    EXPECT_TRUE(removal.finish());
    return lines(items);
  };
  EXPECT_EQ(prune(), Lines());
  building.reset();
  EXPECT_EQ(prune(), (Lines{"D " + id.str()}));
}

TEST_F(Removal, SweepTakesWhatCrashesLeave) {
  auto bottom = layer({}, "1");
  image({bottom.diff_id}, "a:1");
  reopen();
  auto orphan = must(store_->caches().create(false));
  orphan->keep();
  auto half = must(store_->caches().create(false));
  half->keep();
  EXPECT_TRUE(make_dirs(store_->dir(), "image/overlay2/layerdb/tmp/write-set-1", 0700));
  auto removing = "image/overlay2/layerdb/sha256/" + std::string(64, 'a') + "-" +
                  std::string(64, 'b') + "-removing";
  EXPECT_TRUE(make_dirs(store_->dir(), removing, 0700));
  EXPECT_TRUE(write_file(store_->dir(), removing + "/cache-id", half->id(), 0644));
  EXPECT_GT(must(disk_space(*store_)).unreachable, 0);
  EXPECT_TRUE(must(store_->take_alone()));
  EXPECT_GT(must(sweep(*store_)), 0);
  EXPECT_EQ(entries("overlay2"), 2u);  // l and the layer
  EXPECT_EQ(entries("overlay2/l"), 1u);
  EXPECT_EQ(entries("image/overlay2/layerdb/tmp"), 0u);
  EXPECT_EQ(entries("image/overlay2/layerdb/sha256"), 1u);
}

TEST_F(Removal, SpaceIsCountedOncePerLayer) {
  auto bottom = layer({}, "1234");
  auto top = layer({bottom.diff_id}, "56");
  auto a = image({bottom.diff_id}, "a:1");
  auto b = image({bottom.diff_id, top.diff_id}, "b:1", a);
  auto space = must(images_space(*store_, must(scan_usage(*store_, {}))));
  ASSERT_EQ(space.images.size(), 2u);
  EXPECT_EQ(space.layers, 6);
  EXPECT_EQ(space.images[0].id, b);
  EXPECT_EQ(space.images[0].size, 6);
  EXPECT_EQ(space.images[0].shared, 4);
}

TEST_F(Removal, APinnedImageGoesByForceAlone) {
  auto one = layer({}, "1");
  auto a = image({one.diff_id}, "a:1");
  auto child = image({one.diff_id}, "b:1", a);
  ImageNotes notes(store_->own_dir());
  EXPECT_TRUE(notes.pin(a));
  EXPECT_TRUE(notes.pin(a));
  EXPECT_TRUE(store_->references().remove(*Reference::parse_normalized("a:1")));
  EXPECT_EQ(remove("b:1"), (Lines{"U b:1", "D " + child.str()}));  // its parent stays
  reopen();
  auto removal = must(ImageRemoval::begin(*store_));
  EXPECT_TRUE(must(removal.prune(true, {})).empty());
  EXPECT_TRUE(removal.finish());
  tag("a:1", a);
  EXPECT_NE(remove("a:1")[0].find("(must force) - its image"), std::string::npos);
  EXPECT_EQ(remove("a:1", {.force = true}),
            (Lines{"U a:1", "D " + a.str(), "D " + one.chain_id.str()}));
  EXPECT_TRUE(must(notes.pins()).empty());
}

TEST(PruneFilterTest, LabelsAndAge) {
  std::optional<std::map<std::string, std::string>> labels{{{"a", "1"}, {"b", ""}}};
  PruneFilter f;
  EXPECT_TRUE(f.matches({5, 0}, std::nullopt));
  f.until = Time{4, 0};
  EXPECT_FALSE(f.matches({5, 0}, std::nullopt));
  EXPECT_TRUE(f.matches({4, 0}, std::nullopt));
  f.labels = {PruneFilter::parse_label("a=1")};
  EXPECT_FALSE(f.matches({1, 0}, std::nullopt));
  EXPECT_TRUE(f.matches({1, 0}, labels));
  f.not_labels = {PruneFilter::parse_label("b")};
  EXPECT_FALSE(f.matches({1, 0}, labels));
  f.not_labels.push_back(PruneFilter::parse_label("c"));
  EXPECT_TRUE(f.matches({1, 0}, labels));  // as docker: all of them, or it is none
}

}  // namespace
}  // namespace strata

#include "store/unsynced.h"

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

class UnsyncedTest : public StoreTest {
 protected:
  std::vector<std::string> names() const {
    if (!there("strata/unsynced")) return {};
    return must(list_dir(must(open_dir(AT_FDCWD, path("strata/unsynced"))).get()));
  }
  LayerInfo make(const std::string& text, const std::optional<ChainID>& parent = std::nullopt,
                 const std::vector<DiffID>& below = {}) {
    auto w = writer(below);
    add(w, file_entry("f", text.size()), text);
    return publish(std::move(w), parent);
  }
  /// As the notes look after a reboot.
  void reboot() {
    store_.reset();
    for (const auto& name : names())
      std::filesystem::rename(path("strata/unsynced/" + name),
                              path("strata/unsynced/" + std::string(36, '0') + name.substr(36)));
    reopen();
  }
  void empty(const std::string& file) { std::filesystem::resize_file(path(file), 0); }
};

TEST_F(UnsyncedTest, WhatIsPublishedIsNotedUntilASync) {
  auto layer = make("1");
  auto id = must(store_->images().put(encode_image_config(config_of({layer.diff_id})), {}, true));
  EXPECT_EQ(names(), (std::vector<std::string>{
                         Unsynced::this_boot() + ".image-" + id.digest().hex(),
                         Unsynced::this_boot() + ".layer-" + layer.chain_id.digest().hex()}));
  EXPECT_OK(store_->sync_published());
  EXPECT_TRUE(names().empty());
  EXPECT_OK(store_->sync_published());
}

TEST_F(UnsyncedTest, NobodyWaitsForTheTimeOfAName) {
  auto layer = make("1");
  auto id = put_image({layer.diff_id}, "app:1");
  EXPECT_OK(store_->sync());
  EXPECT_OK(store_->images().set_last_updated(id, Time::now()));
  auto note = Unsynced::this_boot() + ".time-" + id.digest().hex();
  EXPECT_EQ(names(), std::vector<std::string>{note});
  EXPECT_OK(store_->sync_published());
  EXPECT_EQ(names(), std::vector<std::string>{note}) << "there was no need for a sync";
  EXPECT_OK(store_->sync());
  EXPECT_TRUE(names().empty());
}

TEST_F(UnsyncedTest, ATimeThatAPowerCutHasEmptiedGoes) {
  auto layer = make("1");
  auto id = put_image({layer.diff_id}, "app:1");
  EXPECT_OK(store_->sync());
  EXPECT_OK(store_->images().set_last_updated(id, Time::now()));
  auto time = "image/overlay2/imagedb/metadata/sha256/" + id.digest().hex() + "/lastUpdated";
  empty(time);
  reboot();
  EXPECT_FALSE(there(time));
  EXPECT_TRUE(names().empty());
  EXPECT_TRUE(store_->images().contains(id));
}

TEST_F(UnsyncedTest, WhatIsNotYetPublishedStaysNoted) {
  EXPECT_OK(store_->unsynced().add(ChainID(sha256("still to come"))));
  EXPECT_OK(store_->sync());
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(UnsyncedTest, AfterARebootWhatIsWholeStays) {
  auto layer = make("1");
  auto id = must(store_->images().put(encode_image_config(config_of({layer.diff_id})), {}, true));
  empty("image/overlay2/imagedb/metadata/sha256/" + id.digest().hex() + "/builtLocally");
  reboot();
  EXPECT_TRUE(names().empty());
  EXPECT_TRUE(store_->layers().contains(layer.chain_id));
  EXPECT_TRUE(store_->images().contains(id));
  EXPECT_FALSE(
      there("image/overlay2/imagedb/metadata/sha256/" + id.digest().hex() + "/builtLocally"));
  expect_sound({});
}

TEST_F(UnsyncedTest, AfterAPowerCutWhatIsNotWholeGoesWithAllThatStandsOnIt) {
  for (const std::string file : {"diff/f", "link", "lower", "size", "tar-split.json.gz"}) {
    SCOPED_TRACE(file);
    auto below = make("safe");
    EXPECT_OK(store_->sync());
    auto layer = make("lost", below.chain_id, {below.diff_id});
    auto top = make("top", layer.chain_id, {below.diff_id, layer.diff_id});
    auto safe =
        must(store_->images().put(encode_image_config(config_of({below.diff_id})), {}, true));
    auto lost = must(store_->images().put(
        encode_image_config(config_of({below.diff_id, layer.diff_id, top.diff_id})), safe, true));
    empty(there("overlay2/" + layer.cache_id + "/" + file)
              ? "overlay2/" + layer.cache_id + "/" + file
              : layer_dir(layer.chain_id) + "/" + file);
    reboot();
    EXPECT_TRUE(store_->layers().contains(below.chain_id));
    EXPECT_TRUE(store_->images().contains(safe));
    EXPECT_FALSE(store_->layers().contains(layer.chain_id));
    EXPECT_FALSE(store_->layers().contains(top.chain_id));
    EXPECT_FALSE(store_->images().contains(lost));
    expect_sound({});
  }
}

TEST_F(UnsyncedTest, AnEmptyConfigGoesAndANamedOneIsLeftForCheck) {
  auto layer = make("1");
  auto config = config_of({layer.diff_id});
  auto lost = must(store_->images().put(encode_image_config(config), {}, false));
  auto named = put_image({layer.diff_id, layer.diff_id}, "app:1");
  for (const auto& id : {lost, named})
    empty("image/overlay2/imagedb/content/sha256/" + id.digest().hex());
  reboot();
  EXPECT_FALSE(store_->images().contains(lost));
  EXPECT_TRUE(store_->images().contains(named));
}

}  // namespace
}  // namespace strata

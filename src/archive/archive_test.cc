#include <filesystem>

#include "archive/detail/archive_fixture.h"
#include "archive/load.h"
#include "archive/save.h"
#include "base/random_id.h"

namespace strata::archive {
namespace {

namespace fs = std::filesystem;

/// Two stores: images go from `from_` to `to_`.
class Archive : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path("/var/tmp") / ("strata-archive-test-" + random_hex(8));
    fs::create_directory(folder_);
    from_ = *Store::open(folder_ / "from", Store::Access::Write);
    to_ = *Store::open(folder_ / "to", Store::Access::Write);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string docker_tar(const std::vector<std::string>& layers,
                                const std::vector<std::string>& claimed, const std::string& tag) {
    TarText tar;
    auto manifest = Json::object({{"Config", "c.json"}, {"RepoTags", Json::strings({tag})}});
    Json names = Json::array();
    for (std::size_t i = 0; i < layers.size(); i++) {
      names.push(std::to_string(i) + ".tar");
      tar.file(std::to_string(i) + ".tar", layers[i]);
    }
    manifest.set("Layers", names);
    return tar.file("c.json", config_text(claimed))
        .file("manifest.json", Json::array({manifest}).dump())
        .end();
  }

  static Result<std::vector<LoadedImage>> load(const Store& store, const std::string& tar) {
    auto members = TRY(index_text(tar));
    auto images = TRY(read_contents(*members, {"linux", "amd64", ""}));
    return load_images(store, *members, images, {});
  }

  static std::string save(const Store& store, const std::vector<std::string>& names,
                          const SaveOptions& options = {}) {
    auto images = select_images(store, names);
    if (!images) return images.error().message();
    std::string tar;
    auto saved = save_tar(store, *images, options, [&](std::string_view bytes) -> Result<void> {
      tar += bytes;
      return {};
    });
    return saved ? tar : saved.error().message();
  }

  /// All but the leases of the open store, which go when it is closed, and the files of locks.
  std::vector<std::string> files(const std::string& store) const {
    std::vector<std::string> all;
    for (const auto& file : fs::recursive_directory_iterator(folder_ / store))
      if (file.path().string().find("/strata/leases") == std::string::npos &&
          file.path().extension() != ".lock")
        all.push_back(file.path());
    std::sort(all.begin(), all.end());
    return all;
  }

  fs::path folder_;
  std::unique_ptr<Store> from_;
  std::unique_ptr<Store> to_;
};

const std::string kBase = layer_text("a", "base");
const std::string kTop = layer_text("b", "top");

TEST_F(Archive, WhatIsSavedIsLoadedAndSavedAgainWithTheSameBytes) {
  ASSERT_TRUE(load(*from_, docker_tar({kBase, kTop}, {kBase, kTop}, "app:2")));
  ASSERT_TRUE(load(*from_, docker_tar({kBase}, {kBase}, "app:1")));
  for (auto form : {Form::Docker, Form::DockerArchive, Form::Oci}) {
    SaveOptions options;
    options.form = form;
    auto tar = save(*from_, {"app"}, options);
    EXPECT_EQ(tar, save(*from_, {"app:1", "app:2", "app"}, options));
    auto loaded = load(*to_, tar);
    ASSERT_TRUE(loaded) << message_of(loaded);
    EXPECT_EQ(loaded->size(), 2U);
    EXPECT_EQ(save(*to_, {"app"}, options), tar);
  }
}

TEST_F(Archive, ALayerOfSeveralImagesIsThereOnce) {
  ASSERT_TRUE(load(*from_, docker_tar({kBase, kTop, kBase}, {kBase, kTop, kBase}, "app:1")));
  ASSERT_TRUE(load(*from_, docker_tar({kBase}, {kBase}, "other:1")));
  auto members = index_text(save(*from_, {"app", "other"}));
  ASSERT_TRUE(members) << message_of(members);
  int blobs = 0;
  const auto names = *(*members)->names();
  for (const auto& name : names) blobs += name.starts_with("blobs/") ? 1 : 0;
  EXPECT_EQ(blobs, 6) << "two layers, two configs, two manifests";
}

TEST_F(Archive, LayersThatTheReaderHasAreLeftOut) {
  ASSERT_TRUE(load(*from_, docker_tar({kBase, kTop}, {kBase, kTop}, "app:2")));
  SaveOptions options;
  options.left_out = {chain_id(DiffID(sha256(kBase)))};
  auto tar = save(*from_, {"app"}, options);
  EXPECT_EQ(message_of(load(*to_, tar)), "blobs/sha256/" + sha256(kBase).hex() + ": layer " +
                                             sha256(kBase).str() +
                                             " is neither in the archive nor in the store");
  ASSERT_TRUE(load(*to_, docker_tar({kBase}, {kBase}, "base:1")));
  auto loaded = load(*to_, tar);
  ASSERT_TRUE(loaded) << message_of(loaded);
}

TEST_F(Archive, NothingIsLeftOfOneThatIsWrongInItsLastLayer) {
  auto before = files("to");
  auto loaded = load(*to_, docker_tar({kBase, kTop}, {kBase, kBase}, "app:1"));
  EXPECT_EQ(message_of(loaded), "1.tar: invalid diffID: expected " + sha256(kBase).str() +
                                    ", got " + sha256(kTop).str());
  loaded = load(*to_, docker_tar({kBase, kTop.substr(0, 513)}, {kBase, kTop}, "app:1"));
  EXPECT_EQ(message_of(loaded), "1.tar: tar entry \"b\": unexpected EOF");
  EXPECT_EQ(files("to"), before);
}

/// Small ones and two that are laid down by threads of their own.
std::vector<std::string> many_layers() {
  std::vector<std::string> layers;
  for (int i = 0; i < 12; i++) {
    auto size = i % 5 == 1 ? std::size_t{1} << 20 : std::size_t{100};
    layers.push_back(layer_text("file" + std::to_string(i), std::string(size, 'x')));
  }
  return layers;
}

TEST_F(Archive, LayersAreReadAtOnceAndPublishedInTheirOrder) {
  const auto layers = many_layers();
  auto members = index_text(docker_tar(layers, layers, "app:1"));
  ASSERT_TRUE(members) << message_of(members);
  auto images = read_contents(**members, {"linux", "amd64", ""});
  ASSERT_TRUE(images) << message_of(images);
  LoadOptions options;
  std::int64_t total = 0;
  std::int64_t last = 0;
  for (const auto& layer : layers) total += static_cast<std::int64_t>(layer.size());
  options.progress = [&](std::int64_t bytes) {
    EXPECT_GE(bytes, last);
    last = bytes;
  };
  auto loaded = load_images(*to_, **members, *images, options);
  ASSERT_TRUE(loaded) << message_of(loaded);
  EXPECT_EQ(last, total);
  std::optional<ChainID> parent;
  for (const auto& layer : layers) {
    auto id = chain_id(parent, DiffID(sha256(layer)));
    auto found = to_->layers().get(id);
    ASSERT_TRUE(found) << message_of(found);
    EXPECT_EQ(found->parent, parent);
    parent = id;
  }
}

TEST_F(Archive, OneWrongLayerEndsTheOthersAndLeavesNothing) {
  const auto layers = many_layers();
  auto claimed = layers;
  claimed[4] = kBase;
  auto before = files("to");
  auto loaded = load(*to_, docker_tar(layers, claimed, "app:1"));
  EXPECT_EQ(message_of(loaded), "4.tar: invalid diffID: expected " + sha256(kBase).str() +
                                    ", got " + sha256(layers[4]).str());
  EXPECT_EQ(files("to"), before);
}

TEST_F(Archive, NamesMoveAndSayFromWhere) {
  ASSERT_TRUE(load(*to_, docker_tar({kBase}, {kBase}, "app:1")));
  auto old = *to_->references().get(*Reference::parse_normalized("app:1"));
  auto loaded = load(*to_, docker_tar({kTop}, {kTop}, "app:1"));
  ASSERT_TRUE(loaded) << message_of(loaded);
  ASSERT_EQ(loaded->front().renamed.size(), 1U);
  EXPECT_EQ(loaded->front().renamed[0].second, *old);
  loaded = load(*to_, docker_tar({kTop}, {kTop}, "app:1"));
  EXPECT_TRUE(loaded->front().renamed.empty());
}

TEST_F(Archive, ImagesAreSelectedAsDockerDoes) {
  ASSERT_TRUE(load(*from_, docker_tar({kBase}, {kBase}, "app:1")));
  auto id = sha256(config_text({kBase}));
  EXPECT_EQ(select_images(*from_, {"app"})->front().names.size(), 1U);
  EXPECT_EQ(select_images(*from_, {id.hex().substr(0, 12)})->front().names.size(), 0U);
  EXPECT_EQ(select_images(*from_, {id.str(), "app:1", "app"})->front().names.size(), 1U);
  EXPECT_EQ(message_of(select_images(*from_, {"nope"})), "No such image: nope");
  EXPECT_EQ(message_of(select_images(*from_, {"app:2"})), "reference does not exist");
  EXPECT_EQ(message_of(select_images(*from_, {"sha256:123"})), "No such image: sha256:123");
}

}  // namespace
}  // namespace strata::archive

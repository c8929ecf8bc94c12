#include "store/layer_db.h"

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

class LayerDBTest : public StoreTest {
 protected:
  const LayerDB& layers() { return store_->layers(); }

  LayerInfo add(const std::string& name, const std::optional<ChainID>& parent = std::nullopt) {
    LayerInfo layer;
    layer.diff_id = DiffID(sha256(name));
    layer.parent = parent;
    layer.chain_id = parent ? chain_id(*parent, layer.diff_id) : chain_id(layer.diff_id);
    layer.size = 42;
    layer.cache_id = std::string(64, 'c');
    auto files = must(layers().begin());
    EXPECT_OK(layers().publish(std::move(files), layer));
    return layer;
  }
};

TEST_F(LayerDBTest, PublishedIsFoundAsItWas) {
  auto bottom = add("a");
  auto top = add("b", bottom.chain_id);
  auto dir = layer_dir(top.chain_id);
  EXPECT_EQ(mode(dir), 0700u);
  EXPECT_EQ(read(dir + "/diff"), top.diff_id.str());
  EXPECT_EQ(read(dir + "/size"), "42");
  EXPECT_EQ(read(dir + "/cache-id"), top.cache_id);
  EXPECT_EQ(read(dir + "/parent"), bottom.chain_id.str());
  EXPECT_FALSE(there(layer_dir(bottom.chain_id) + "/parent"));
  for (const auto* file : {"diff", "size", "cache-id", "parent"})
    EXPECT_EQ(mode(dir + "/" + file), 0644u) << file;

  auto found = must(layers().get(top.chain_id));
  EXPECT_EQ(found.diff_id, top.diff_id);
  EXPECT_EQ(found.parent, bottom.chain_id);
  EXPECT_EQ(found.size, 42);
  EXPECT_EQ(found.cache_id, top.cache_id);
  EXPECT_EQ(must(layers().stack({bottom.diff_id, top.diff_id})).size(), 2u);
  EXPECT_EQ(must(layers().list()).size(), 2u);
}

TEST_F(LayerDBTest, ATakenChainIDIsAConflict) {
  auto layer = add("a");
  auto before = contents();
  auto files = must(layers().begin());
  auto again = layers().publish(std::move(files), layer);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(contents(), before);
}

TEST_F(LayerDBTest, SiblingsStandOnTheSameParent) {
  auto a = add("a");
  auto b = add("b", a.chain_id);
  auto c = add("c", a.chain_id);
  add("d", b.chain_id);
  EXPECT_EQ(must(layers().newest_on(a.chain_id, 8)).size(), 2u);
  EXPECT_EQ(must(layers().newest_on(std::nullopt, 8)).size(), 1u);
  EXPECT_TRUE(must(layers().newest_on(c.chain_id, 8)).empty());
}

TEST_F(LayerDBTest, ParentsAreKnownOfAllThatSayTheirs) {
  auto a = add("a");
  auto b = add("b", a.chain_id);
  auto c = add("c", b.chain_id);
  using Parents = std::vector<std::pair<ChainID, std::optional<ChainID>>>;
  Parents all = {{a.chain_id, std::nullopt}, {b.chain_id, a.chain_id}, {c.chain_id, b.chain_id}};
  std::sort(all.begin(), all.end());
  EXPECT_EQ(must(layers().parents()), all);
  std::ofstream(path(layer_dir(c.chain_id) + "/parent")) << "sha256:xyz";
  std::erase_if(all, [&](const auto& layer) { return layer.first == c.chain_id; });
  EXPECT_EQ(must(layers().parents()), all);
}

TEST_F(LayerDBTest, TheNewestSiblingsComeFirst) {
  auto a = add("a");
  auto old = add("old", a.chain_id);
  EXPECT_EQ(must(layers().newest_on(a.chain_id, 8)).size(), 1u);  // looked at here, once
  auto young = add("young", a.chain_id);                          // and known without a look
  auto newest = must(layers().newest_on(a.chain_id, 1));
  ASSERT_EQ(newest.size(), 1u);
  EXPECT_EQ(newest[0].chain_id, young.chain_id);
  EXPECT_OK(layers().remove(young.chain_id));
  newest = must(layers().newest_on(a.chain_id, 1));
  ASSERT_EQ(newest.size(), 1u);
  EXPECT_EQ(newest[0].chain_id, old.chain_id);
}

TEST_F(LayerDBTest, TheFirstMissingLayerIsNamed) {
  auto a = add("a");
  DiffID missing(sha256("missing"));
  auto stack = layers().stack({a.diff_id, missing, DiffID(sha256("more"))});
  ASSERT_FALSE(stack);
  EXPECT_EQ(stack.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(stack.error().message(), "no layer " + chain_id(a.chain_id, missing).str());
}

struct Damage {
  const char* name;
  const char* file;
  const char* content;  // nullptr: removed
};
class LayerDBDamage : public LayerDBTest, public testing::WithParamInterface<Damage> {};

TEST_P(LayerDBDamage, IsCorruptAndNotListed) {
  auto a = add("a");
  auto b = add("b", a.chain_id);
  auto file = path(layer_dir(b.chain_id) + "/" + GetParam().file);
  std::filesystem::remove(file);
  if (GetParam().content != nullptr) std::ofstream(file) << GetParam().content;
  auto layer = layers().get(b.chain_id);
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().code(), ErrorCode::Corrupt) << layer.error().message();
  EXPECT_EQ(must(layers().list()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LayerDBDamage,
    testing::Values(Damage{"NoDiff", "diff", nullptr}, Damage{"DiffIsText", "diff", "sha256:xyz"},
                    Damage{"NoSize", "size", nullptr}, Damage{"SizeWithNewline", "size", "42\n"},
                    Damage{"NegativeSize", "size", "-1"}, Damage{"NoCacheID", "cache-id", nullptr},
                    Damage{"EmptyCacheID", "cache-id", " \n"},
                    Damage{"NoParent", "parent", nullptr},
                    Damage{
                        "OtherParent", "parent",
                        "sha256:0000000000000000000000000000000000000000000000000000000000000000"}),
    [](const auto& c) { return std::string(c.param.name); });

TEST_F(LayerDBTest, RemovedIsGone) {
  auto before = contents();
  auto layer = add("a");
  EXPECT_OK(layers().remove(layer.chain_id));
  EXPECT_EQ(contents(), before);
  auto again = layers().remove(layer.chain_id);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::NotFound);
}

TEST_F(LayerDBTest, ContainerMounts) {
  auto before = contents();
  std::string container(64, 'd');
  ContainerMount mount{std::string(64, 'a'), std::string(64, 'a') + "-init", add("x").chain_id};
  EXPECT_OK(layers().add_mount(container, mount));
  auto dir = "image/overlay2/layerdb/mounts/" + container;
  EXPECT_EQ(mode(dir), 0755u);
  EXPECT_EQ(read(dir + "/mount-id"), mount.mount_id);
  EXPECT_EQ(read(dir + "/init-id"), mount.init_id);
  EXPECT_EQ(read(dir + "/parent"), mount.parent->str());
  EXPECT_EQ(mode(dir + "/mount-id"), 0644u);
  auto found = must(layers().mount(container));
  EXPECT_EQ(found.mount_id, mount.mount_id);
  EXPECT_EQ(found.init_id, mount.init_id);
  EXPECT_EQ(found.parent, mount.parent);
  EXPECT_EQ(must(layers().mounts()), std::vector<std::string>{container});
  EXPECT_OK(layers().remove_mount(container));
  EXPECT_OK(layers().remove(*mount.parent));
  EXPECT_EQ(contents(), before);
  EXPECT_FALSE(layers().mount(container));
  EXPECT_FALSE(layers().mount("../sha256"));
}

}  // namespace
}  // namespace strata

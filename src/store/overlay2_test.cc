#include "store/overlay2.h"

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

class Overlay2Test : public StoreTest {
 protected:
  Overlay2& caches() { return store_->caches(); }
};

TEST_F(Overlay2Test, MakesWhatDockerdMakes) {
  auto before = ::umask(077);
  auto cache = must(caches().create(/*with_work=*/true));
  ::umask(before);
  auto dir = "overlay2/" + cache->id();
  EXPECT_EQ(cache->id().size(), 64u);
  EXPECT_EQ(mode(dir), 0710u);
  EXPECT_EQ(mode(dir + "/diff"), 0755u);
  EXPECT_EQ(mode(dir + "/work"), 0700u);
  EXPECT_EQ(mode(dir + "/link"), 0644u);
  EXPECT_EQ("l/" + read(dir + "/link"), cache->link());
  EXPECT_EQ(read(dir + "/link").size(), 26u);
  EXPECT_EQ(std::filesystem::read_symlink(path("overlay2/" + cache->link())),
            "../" + cache->id() + "/diff");
  auto bottom = must(caches().create(/*with_work=*/false));
  EXPECT_FALSE(there("overlay2/" + bottom->id() + "/work"));
}

TEST_F(Overlay2Test, ParentIsSetAndCommitted) {
  auto a = must(caches().create(false));
  auto b = must(caches().create(true));
  auto c = must(caches().create(true));
  EXPECT_OK(caches().set_parent(b->id(), a->id()));
  EXPECT_OK(caches().set_parent(c->id(), b->id()));
  EXPECT_EQ(read("overlay2/" + b->id() + "/lower"), a->link());
  EXPECT_EQ(read("overlay2/" + c->id() + "/lower"), b->link() + ":" + a->link());
  EXPECT_EQ(mode("overlay2/" + c->id() + "/lower"), 0644u);
  EXPECT_EQ(mode("overlay2/" + a->id() + "/committed"), 0600u);
  EXPECT_EQ(read("overlay2/" + a->id() + "/committed"), "");
  EXPECT_FALSE(there("overlay2/" + c->id() + "/committed"));
  EXPECT_EQ(must(caches().stack(c->id())),
            (std::vector<std::string>{c->link(), b->link(), a->link()}));
}

TEST_F(Overlay2Test, MoreLayersThanAMountTakesAreNoParent) {
  auto a = must(caches().create(false));
  auto b = must(caches().create(true));
  EXPECT_OK(caches().set_parent(b->id(), a->id(), std::vector<std::string>(128, a->link())));
  auto set = caches().set_parent(b->id(), a->id(), std::vector<std::string>(129, a->link()));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().message(), a->id() + ": more than 128 layers");
}

TEST_F(Overlay2Test, DroppedLeavesNothing) {
  auto before = contents();
  {
    auto cache = must(caches().create(true));
    std::ofstream(path("overlay2/" + cache->id() + "/diff/file")) << "x";
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(Overlay2Test, KeptStaysUntilRemoved) {
  auto before = contents();
  std::string id;
  {
    auto cache = must(caches().create(true));
    id = cache->id();
    cache->keep();
  }
  EXPECT_TRUE(there("overlay2/" + id + "/diff"));
  EXPECT_OK(caches().remove(id));
  EXPECT_EQ(contents(), before);
  EXPECT_OK(caches().remove(id));  // again: nothing to do
}

TEST_F(Overlay2Test, ATakenNameIsAConflictAndStays) {
  auto cache = must(caches().create(true));
  auto again = caches().create(true, cache->id());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(there("overlay2/" + cache->id() + "/link"));
}

TEST_F(Overlay2Test, NamesThatLeadOutAreRefused) {
  for (const auto* id : {"..", "l", "../image", "a/b", "/etc", ".hidden"}) {
    EXPECT_FALSE(caches().open_diff(id)) << id;
    EXPECT_FALSE(caches().remove(id)) << id;
    EXPECT_FALSE(caches().stack(id)) << id;
  }
  EXPECT_TRUE(there("overlay2/l"));
}

TEST_F(Overlay2Test, DamagedSmallFilesAreCorrupt) {
  auto cache = must(caches().create(true));
  for (const auto* lower : {"", "l/", "etc", "l/A:", "l/../../etc", "l/A:/etc"}) {
    std::ofstream(path("overlay2/" + cache->id() + "/lower")) << lower;
    auto stack = caches().stack(cache->id());
    ASSERT_FALSE(stack) << lower;
    EXPECT_EQ(stack.error().code(), ErrorCode::Corrupt) << lower;
  }
  std::string many = "l/A";
  for (int i = 0; i < 128; i++) many += ":l/A";
  std::ofstream(path("overlay2/" + cache->id() + "/lower")) << many;
  EXPECT_FALSE(caches().stack(cache->id()));
}

}  // namespace
}  // namespace strata

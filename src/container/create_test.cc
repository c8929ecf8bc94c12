#include "container/create.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "container/changes.h"
#include "container/commit.h"
#include "container/lookup.h"
#include "container/remove.h"
#include "fs/xattr.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

using Strings = std::vector<std::string>;
using Labels = std::map<std::string, std::string>;

TEST(MergeRunConfig, TheUserWinsAndListsAreUnited) {
  RunConfig user;
  user.env = Strings{"A=user"};
  user.labels = Labels{{"l", "user"}};
  RunConfig image;
  image.env = Strings{"PATH=/bin", "A=image"};
  image.labels = Labels{{"l", "image"}, {"m", "image"}};
  image.cmd = Strings{"cmd"};
  image.entrypoint = Strings{"entry"};
  image.working_dir = "/w";
  image.user = "u";
  image.stop_signal = "SIGINT";
  auto merged = merge_run_config(user, image);
  EXPECT_EQ(merged.env, (Strings{"A=user", "PATH=/bin"}));
  EXPECT_EQ(merged.labels, (Labels{{"l", "user"}, {"m", "image"}}));
  EXPECT_EQ(merged.cmd, (Strings{"cmd"}));
  EXPECT_EQ(merged.entrypoint, (Strings{"entry"}));
  EXPECT_EQ(merged.working_dir, "/w");
  EXPECT_EQ(merged.user, "u");
  EXPECT_EQ(merged.stop_signal, "SIGINT");

  user.cmd = Strings{"own"};
  EXPECT_EQ(merge_run_config(user, image).cmd, (Strings{"own"}));
  user.cmd.reset();
  user.entrypoint = Strings{"own"};
  EXPECT_FALSE(merge_run_config(user, image).cmd);
}

/// A store with one image, app:1, of one layer.
class Containers : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "mounting needs root";
    auto store = Store::open(temp_.path(), Store::Access::Write);
    ASSERT_TRUE(store) << store.error().message();
    store_ = *std::move(store);
    make_image();
  }

  void make_image() {
    auto layer = LayerWriter::create(*store_, {}, {});
    ASSERT_TRUE(layer);
    tar::Entry dir;
    dir.type = tar::EntryType::Directory;
    dir.name = "data";
    dir.mode = 0755;
    ASSERT_TRUE(layer->add(dir));
    tar::Entry file;
    file.name = "data/file";
    file.mode = 0644;
    file.size = 5;
    StringSource content("hello");
    ASSERT_TRUE(layer->add(file, &content));
    auto sealed = layer->seal();
    ASSERT_TRUE(sealed && layer->publish(std::nullopt));
    ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.config.cmd = Strings{"/run"};
    config.config.volumes = std::set<std::string>{"/data"};
    config.diff_ids = {sealed->diff_id};
    config.history.emplace_back();
    tag(config, "app:1");
    config = {};
    config.os = "linux";
    tag(config, "empty:1");
  }

  void tag(const ImageConfig& config, const char* name) {
    auto id = store_->images().put(encode_image_config(config), std::nullopt, false);
    auto reference = Reference::parse_normalized(name);
    ASSERT_TRUE(id && reference && store_->references().set(*reference, *id));
  }

  Result<CreatedContainer> create(const std::string& name, Strings command = {},
                                  const std::string& image = "app:1") const {
    CreateRequest request;
    request.image = image;
    request.name = name;
    if (!command.empty()) request.config.cmd = command;
    return create_container(*store_, request);
  }

  UniqueFd upper(const std::string& id) const {
    auto mount = store_->layers().mount(id);
    if (!mount) return {};
    auto fd = store_->caches().open_diff(mount->mount_id);
    return fd ? *std::move(fd) : UniqueFd();
  }

  std::size_t caches() const {
    auto names = list_dir(store_->caches().dir());
    return names ? names->size() : 0;
  }

  TestDir temp_{"strata-containers-"};
  std::unique_ptr<Store> store_;
};

TEST_F(Containers, CreateAndRemoveLeaveNothing) {
  auto before = caches();
  auto created = create("web");
  ASSERT_TRUE(created) << created.error().message();
  const auto& id = created->record.id;
  EXPECT_EQ(caches(), before + 2);
  auto mount = store_->layers().mount(id);
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->init_id, mount->mount_id + "-init");
  auto stack = store_->caches().stack(mount->mount_id);
  ASSERT_TRUE(stack);
  EXPECT_EQ(stack->size(), 3U);
  auto changes = container_changes(*store_, id);
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_TRUE(changes->empty());

  // The image's /data is a volume, with what the image has there.
  ASSERT_EQ(created->record.mounts.size(), 1U);
  auto volume = created->record.mounts[0];
  EXPECT_TRUE(volume.anonymous);
  auto text = read_file(AT_FDCWD, volume.source + "/file");
  EXPECT_TRUE(text && *text == "hello");

  ASSERT_TRUE(remove_container(*store_, id, {false, true}));
  EXPECT_EQ(caches(), before);
  EXPECT_FALSE(store_->layers().mount(id));
  EXPECT_FALSE(stat_at(AT_FDCWD, volume.source));
  EXPECT_FALSE(stat_at(store_->containers_dir(), id));
}

TEST_F(Containers, AreFoundByIdPrefixAndName) {
  auto created = create("web");
  ASSERT_TRUE(created);
  const auto& id = created->record.id;
  for (const std::string& text : {id, id.substr(0, 12), std::string("web"), std::string("/web")}) {
    auto found = find_container(*store_, text);
    ASSERT_TRUE(found) << text << ": " << found.error().message();
    EXPECT_EQ(found->id, id);
  }
  auto none = find_container(*store_, "nope");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message(), "No such container: nope");
  EXPECT_FALSE(find_container(*store_, ""));
  EXPECT_FALSE(find_container(*store_, "../x"));
}

TEST_F(Containers, AFailureLeavesNothing) {
  ASSERT_TRUE(create("web"));
  auto before = caches();
  auto volumes = list_dir(open_dir(store_->dir(), "volumes")->get())->size();
  auto again = create("web");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(again.error().message().starts_with(
      "Conflict. The container name \"/web\" is already in use by container \""))
      << again.error().message();
  auto no_command = create("", {}, "empty:1");
  ASSERT_FALSE(no_command);
  EXPECT_EQ(no_command.error().message(), "No command specified");
  auto no_image = create("", {"x"}, "nope");
  ASSERT_FALSE(no_image);
  EXPECT_EQ(no_image.error().message(), "No such image: nope:latest");
  EXPECT_EQ(caches(), before);
  EXPECT_EQ(list_dir(open_dir(store_->dir(), "volumes")->get())->size(), volumes);
}

TEST_F(Containers, AnImageWithoutLayersWorks) {
  auto created = create("bare", {"/x"}, "empty:1");
  ASSERT_TRUE(created) << created.error().message();
  auto fd = upper(created->record.id);
  ASSERT_TRUE(write_file(fd.get(), "f", "1", 0644));
  auto changes = container_changes(*store_, created->record.id);
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_EQ(*changes, (std::vector<FileChange>{{ChangeKind::Added, "/f"}}));
  ASSERT_TRUE(remove_container(*store_, created->record.id, {}));
}

TEST_F(Containers, ADirectoryThatOverlayfsMovedIsLookedAtThroughAMount) {
  auto created = create("web");
  ASSERT_TRUE(created) << created.error().message();
  auto mount = store_->layers().mount(created->record.id);
  ASSERT_TRUE(mount);
  auto stack = store_->caches().stack(mount->mount_id);
  ASSERT_TRUE(stack);
  auto image = open_dir(store_->caches().dir(), stack->back());
  ASSERT_TRUE(image);
  ASSERT_TRUE(set_xattr(image->get(), "data", "trusted.overlay.redirect", "/data"));
  auto fd = upper(created->record.id);
  ASSERT_TRUE(make_dirs(fd.get(), "data", 0755));
  ASSERT_TRUE(write_file(fd.get(), "data/file", "another", 0644));
  auto changes = container_changes(*store_, created->record.id);
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_EQ(*changes, (std::vector<FileChange>{{ChangeKind::Modified, "/data"},
                                               {ChangeKind::Modified, "/data/file"}}));
  ASSERT_TRUE(remove_container(*store_, created->record.id, {}));
}

TEST_F(Containers, OneThatIsBeingRemovedCannotBeCommitted) {
  auto created = create("web");
  ASSERT_TRUE(created);
  ASSERT_TRUE(store_->layers().remove_mount(created->record.id));
  auto image = commit_container(*store_, created->record, {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().message(), "No such container: " + created->record.id);
}

TEST_F(Containers, CommitMakesAChildImage) {
  auto created = create("web", {"/bin/sh", "-c", "x"});
  ASSERT_TRUE(created);
  CommitRequest request;
  request.author = "me";
  request.comment = "why";
  auto same = commit_container(*store_, created->record, request);
  ASSERT_TRUE(same) << same.error().message();
  auto image = store_->images().get(*same);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->config.diff_ids.size(), 1U);
  EXPECT_TRUE(image->config.history.back().empty_layer);
  EXPECT_EQ(image->config.history.back().created_by, "/bin/sh -c x");
  EXPECT_EQ(image->config.history.back().comment, "why");
  EXPECT_EQ(image->config.container, created->record.id);
  EXPECT_EQ(store_->images().parent(*same)->str(), created->record.image);

  auto fd = upper(created->record.id);
  ASSERT_TRUE(write_file(fd.get(), "new", "1", 0644));
  request.change = [](RunConfig& config) -> Result<void> {
    config.user = "changed";
    return {};
  };
  auto child = commit_container(*store_, created->record, request);
  ASSERT_TRUE(child) << child.error().message();
  image = store_->images().get(*child);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->config.diff_ids.size(), 2U);
  EXPECT_EQ(image->config.config.user, "changed");
  EXPECT_EQ(image->config.container_config->user, "");
  auto layers = store_->layers().stack(image->config.diff_ids);
  ASSERT_TRUE(layers);
  EXPECT_EQ(layers->back().size, 1);
}

}  // namespace
}  // namespace strata

#include "store/references.h"

#include <sys/wait.h>

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

constexpr const char* kFile = "image/overlay2/repositories.json";

class ReferencesTest : public StoreTest {
 protected:
  const References& tags() { return store_->references(); }
  static Reference ref(const std::string& text) { return must(Reference::parse_normalized(text)); }
  const ImageID a_{sha256("a")};
  const ImageID b_{sha256("b")};
};

TEST_F(ReferencesTest, WritesDockersForm) {
  auto digest = "sha256:" + std::string(64, 'd');
  EXPECT_TRUE(must(tags().load()).empty());
  EXPECT_EQ(must(tags().set(ref("reg.example:5000/x/built@" + digest), b_)), std::nullopt);
  EXPECT_EQ(must(tags().set(ref("docker.io/library/bb"), a_)), std::nullopt);
  EXPECT_EQ(must(tags().set(ref("bb:1"), a_)), std::nullopt);
  EXPECT_EQ(read(kFile), R"({"Repositories":{"bb":{"bb:1":")" + a_.str() + R"(","bb:latest":")" +
                             a_.str() +
                             R"("},"reg.example:5000/x/built":{"reg.example:5000/x/built@)" +
                             digest + R"(":")" + b_.str() + R"("}}})");
  EXPECT_EQ(mode(kFile), 0600u);
  EXPECT_EQ(must(tags().get(ref("bb:latest"))), a_);
  EXPECT_EQ(must(tags().get(ref("bb:2"))), std::nullopt);
  EXPECT_EQ(references_by_image(must(tags().load()))[a_],
            (std::vector<std::string>{"bb:1", "bb:latest"}));
}

TEST_F(ReferencesTest, MovesAndRemoves) {
  must(tags().set(ref("x:1"), a_));
  EXPECT_EQ(must(tags().set(ref("x:1"), b_)), a_);
  EXPECT_EQ(must(tags().set(ref("x:1"), b_)), b_);
  EXPECT_FALSE(must(tags().remove(ref("x:2"))));
  EXPECT_TRUE(must(tags().remove(ref("x:1"))));
  EXPECT_EQ(read(kFile), R"({"Repositories":{}})");
}

TEST_F(ReferencesTest, SeveralAreSetInOrderAndInOneStep) {
  must(tags().set(ref("x:1"), a_));
  auto before = must(tags().set_all({{ref("x:1"), b_}, {ref("y"), a_}, {ref("x:1"), a_}}));
  EXPECT_EQ(before, (std::vector<std::optional<ImageID>>{a_, std::nullopt, b_}));
  EXPECT_EQ(must(tags().get(ref("x:1"))), a_);
  EXPECT_EQ(must(tags().get(ref("y:latest"))), a_);
}

TEST_F(ReferencesTest, NamesThatAreSoAlreadyLeaveTheFileAsItIs) {
  auto inode = [&] { return must(stat_at(AT_FDCWD, path(kFile))).st_ino; };
  References::Names names;
  std::vector<std::optional<ImageID>> images;
  for (int i = 0; i < 8; i++) {
    names.emplace_back(ref("x:" + std::to_string(i)), i % 2 == 0 ? a_ : b_);
    images.emplace_back(names.back().second);
    must(tags().set_all(names));
    const auto was = inode();
    EXPECT_EQ(must(tags().set_all(names)), images);
    EXPECT_FALSE(must(tags().prepare(names)));
    EXPECT_EQ(inode(), was);
    auto other = names;
    other.back().second = i % 2 == 0 ? b_ : a_;
    EXPECT_TRUE(must(tags().prepare(other)));
    EXPECT_EQ(must(tags().set_all(other)), images);
    EXPECT_EQ(must(tags().get(other.back().first)), other.back().second);
  }
}

TEST_F(ReferencesTest, WhatWasPreparedIsTakenIfNobodyElseHasChangedNames) {
  auto images = path("image/overlay2");
  auto files = [&] { return must(list_dir(AT_FDCWD, images)).size(); };
  auto inode = [&] { return must(stat_at(AT_FDCWD, path(kFile))).st_ino; };
  must(tags().set(ref("x:1"), a_));
  EXPECT_FALSE(must(tags().prepare({{ref("x:1"), a_}})));
  const auto before = files();
  for (bool is_alone : {true, false}) {
    const References::Names names = {{ref("x:1"), is_alone ? b_ : a_}, {ref("y"), a_}};
    {
      auto prepared = must(tags().prepare(names));
      ASSERT_TRUE(prepared);
      EXPECT_EQ(files(), before + 1);
      if (!is_alone) must(tags().set(ref("z:1"), b_));
      const auto was = inode();
      must(tags().set_all(names, &*prepared));
      EXPECT_NE(inode(), was);
    }
    EXPECT_EQ(files(), before);
    EXPECT_EQ(must(tags().get(ref("x:1"))), names[0].second);
    EXPECT_EQ(must(tags().get(ref("y"))), a_);
    EXPECT_EQ(must(tags().load_copy()), must(tags().load()));
  }
  EXPECT_EQ(must(tags().get(ref("z:1"))), b_);
  EXPECT_TRUE(must(tags().prepare({{ref("dropped"), a_}})));
  EXPECT_EQ(files(), before);
}

TEST_F(ReferencesTest, ABrokenFileIsNeverReplaced) {
  for (const auto* text : {"", "{", "[]", R"({"Repositories":{"x":{"x:1":"sha256:12"}}})"}) {
    std::ofstream(path(kFile)) << text;
    auto set = tags().set(ref("x:1"), a_);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code(), ErrorCode::Corrupt);
    EXPECT_EQ(read(kFile), text);
  }
}

/// As another program may have written it, it is read all the same; what is wrong behind the name
/// that is asked for is found, too.
TEST_F(ReferencesTest, OneNameIsFoundInAnyFormAndOnlyInAWholeFile) {
  auto entry = [&](const std::string& name, const std::string& id) {
    return fmt::format(R"("{0}":{{"{0}:1":"{1}"}})", name, id);
  };
  auto file = [&](const std::string& content) {
    std::ofstream(path(kFile)) << R"({"Repositories":{)" << content << "}}";
  };
  auto zeros = "sha256:" + std::string(64, '0');
  for (const auto& other : {entry("y", b_.str()), " " + entry("y", b_.str()),
                            entry("\\u0079", b_.str()), entry("\x7f", b_.str())}) {
    file(entry("x", a_.str()) + "," + other);
    EXPECT_EQ(must(tags().get(ref("x:1"))), a_) << other;
    EXPECT_EQ(must(tags().get(ref("z:1"))), std::nullopt) << other;
    EXPECT_EQ(must(tags().names_of(a_)), std::vector<std::string>{"x:1"}) << other;
    EXPECT_EQ(must(tags().names_of(b_)).size(), 1u) << other;
  }
  for (auto wrong : {zeros + "0", zeros.substr(1), std::string(71, '0')}) {
    file(entry("x", a_.str()) + "," + entry("y", wrong));
    EXPECT_FALSE(tags().get(ref("x:1"))) << wrong;
    EXPECT_FALSE(tags().names_of(a_)) << wrong;
  }
  for (char c : {'/', ':', '`', 'g', 'A', '\xff'}) {
    auto wrong = zeros;
    wrong[40] = c;
    file(entry("x", a_.str()) + "," + entry("y", wrong));
    EXPECT_FALSE(tags().get(ref("x:1"))) << wrong;
  }
}

/// It is read in pieces: names of all lengths, so that entries lie across the ends of pieces.
TEST_F(ReferencesTest, NamesAreFoundWhereverTheyAreInALargeFile) {
  std::vector<std::pair<Reference, ImageID>> names;
  for (int i = 0; i < 700; i++) {
    auto name = fmt::format("n{}{}", i, std::string(static_cast<std::size_t>(i % 97), 'x'));
    names.emplace_back(ref(name + ":1"), i % 2 == 0 ? a_ : b_);
    if (i % 5 == 0) names.emplace_back(ref(name + ":2"), a_);
  }
  for (int i = 0; i < 300; i++) names.emplace_back(ref(fmt::format("many:{}", i)), b_);
  ASSERT_TRUE(tags().set_all(names));
  for (const auto& [name, id] : names) ASSERT_EQ(must(tags().get(name)), id) << name.familiar();
  EXPECT_EQ(must(tags().get(ref("many:300"))), std::nullopt);
  EXPECT_EQ(must(tags().names_of(a_)).size() + must(tags().names_of(b_)).size(), names.size());
}

/// Longer than what is looked ahead: then the parser reads it.
TEST_F(ReferencesTest, ANameOfAnyLengthIsFound) {
  auto name = "x/" + std::string(20000, 'y');
  auto text = fmt::format(R"({{"Repositories":{{"{0}":{{"{0}:1":"{1}"}},"z":{{"z:1":"{2}"}}}}}})",
                          name, a_.str(), b_.str());
  std::ofstream(path(kFile)) << text;
  EXPECT_EQ(must(tags().get(ref("z:1"))), b_);
  EXPECT_EQ(must(tags().names_of(a_)), std::vector<std::string>{name + ":1"});
  std::ofstream(path(kFile)) << text << std::string(20000, ' ') << "x";
  EXPECT_FALSE(tags().get(ref("z:1")));
}

TEST_F(ReferencesTest, ProcessesDoNotLoseEachOthersTags) {
  constexpr int kProcesses = 8;
  constexpr int kTags = 5;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; i++) {
    pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      bool ok = true;
      for (int t = 0; t < kTags; t++)
        ok = ok && tags().set(ref(fmt::format("p{}:{}", i, t)), a_).has_value();
      ::_exit(ok ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(references_by_image(must(tags().load()))[a_].size(),
            static_cast<std::size_t>(kProcesses * kTags));
}

}  // namespace
}  // namespace strata

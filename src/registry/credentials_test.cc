#include "registry/credentials.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata::registry {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = dir_.path();
    settings_.config_file = path_ + "/docker/config.json";
    settings_.auth_files = {path_ + "/auth.json"};
  }

  void write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    ASSERT_TRUE(make_dirs(dir_.fd(), "docker", 0700));
    ASSERT_TRUE(write_file(dir_.fd(), name, text, mode));
  }
  std::string read() { return *read_file(dir_.fd(), "docker/config.json"); }
  std::optional<Credentials> find(const char* domain, const char* path = "library/x") {
    auto found = find_credentials(settings_, domain, path);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : std::nullopt;
  }

  TestDir dir_{"strata-credentials-"};
  std::string path_;
  Settings settings_;
};

TEST_F(CredentialsTest, NothingIsKnownAtFirst) { EXPECT_EQ(find("docker.io"), std::nullopt); }

TEST_F(CredentialsTest, OfDockersFile) {
  write("docker/config.json", R"({"auths":{
    "https://index.docker.io/v1/":{"auth":"Ym9iOnNlOmNyZXQ="},
    "https://old.example/v1/":{"auth":"YTpi"},
    "reg:5000":{"username":"u","password":"p"},
    "token.example":{"auth":"MDA6","identitytoken":"tok"},
    "broken.example":{"auth":"!!"}, "odd.example":7}})");
  EXPECT_EQ(find("docker.io"), (Credentials{"bob", "se:cret", ""}));
  EXPECT_EQ(find("old.example"), (Credentials{"a", "b", ""}));
  EXPECT_EQ(find("reg:5000"), (Credentials{"u", "p", ""}));
  EXPECT_EQ(find("token.example"), (Credentials{"00", "", "tok"}));
  EXPECT_EQ(find("broken.example"), std::nullopt);
  EXPECT_EQ(find("odd.example"), std::nullopt);
  EXPECT_EQ(find("reg"), std::nullopt);
}

TEST_F(CredentialsTest, OfPodmansFileTheLongestKey) {
  write("auth.json", R"({"auths":{"reg":{"auth":"YTpi"},"reg/team":{"auth":"Yzpk"}}})");
  EXPECT_EQ(find("reg", "team/app"), (Credentials{"c", "d", ""}));
  EXPECT_EQ(find("reg", "other"), (Credentials{"a", "b", ""}));
}

TEST_F(CredentialsTest, ABrokenFileIsAnError) {
  for (const char* text : {"{", "6", R"({"auths":"x"})"}) {
    write("docker/config.json", text);
    auto found = find_credentials(settings_, "reg", "x");
    ASSERT_FALSE(found) << text;
    EXPECT_TRUE(found.error().message().starts_with(settings_.config_file + ": "));
    EXPECT_FALSE(store_credentials(settings_, "reg", {"bob", "secret", ""})) << text;
    EXPECT_FALSE(erase_credentials(settings_, "reg")) << text;
  }
}

TEST_F(CredentialsTest, AreStoredBesideWhatIsThere) {
  write("docker/config.json", R"({"HttpHeaders":{"a":"b"},"auths":{"x":{"auth":"YTpi"}}})");
  auto stored = store_credentials(settings_, "reg:5000", {"bob", "secret", ""});
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->as_plain_text);
  EXPECT_EQ(read(),
            "{\n\t\"HttpHeaders\": {\n\t\t\"a\": \"b\"\n\t},\n\t\"auths\": {\n\t\t\"x\": {\n\t\t\t"
            "\"auth\": \"YTpi\"\n\t\t},\n\t\t\"reg:5000\": {\n\t\t\t\"auth\": "
            "\"Ym9iOnNlY3JldA==\"\n\t\t}\n\t}\n}");
  EXPECT_EQ(stat_at(dir_.fd(), "docker/config.json")->st_mode & 0777, 0600U);
  EXPECT_TRUE(*erase_credentials(settings_, "reg:5000"));
  EXPECT_FALSE(*erase_credentials(settings_, "reg:5000"));
  EXPECT_EQ(find("x"), (Credentials{"a", "b", ""}));
}

TEST_F(CredentialsTest, AFirstLoginMakesTheFile) {
  ASSERT_TRUE(store_credentials(settings_, "docker.io", {"bob", "", "tok"}));
  EXPECT_EQ(find("docker.io"), (Credentials{"bob", "", "tok"}));
  EXPECT_NE(read().find("https://index.docker.io/v1/"), std::string::npos);
}

TEST_F(CredentialsTest, HelpersAreAsked) {
  write("docker-credential-test",
        "#!/bin/sh\nread key\ncase $key in\nreg) echo '{\"Username\":\"u\",\"Secret\":\"p\"}';;\n"
        "tok) echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}';;\n"
        "bad) echo 'locked' ; exit 1;;\n"
        "*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n",
        0755);
  std::string path = path_ + ':' + std::getenv("PATH");
  ::setenv("PATH", path.c_str(), 1);
  write(
      "docker/config.json",
      R"({"credsStore":"none","credHelpers":{"reg":"test","tok":"test","bad":"test","no":"test"}})");
  EXPECT_EQ(find("reg"), (Credentials{"u", "p", ""}));
  EXPECT_EQ(find("tok"), (Credentials{"", "", "t"}));
  EXPECT_EQ(find("no"), std::nullopt);
  auto failed = find_credentials(settings_, "bad", "x");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "docker-credential-test get: locked");
  EXPECT_FALSE(find_credentials(settings_, "other", "x"));  // there is no docker-credential-none
}

TEST(Credentials, Keys) {
  EXPECT_EQ(credentials_key("docker.io"), "https://index.docker.io/v1/");
  EXPECT_EQ(credentials_key("reg:5000"), "reg:5000");
  EXPECT_EQ(registry_of(""), "docker.io");
  EXPECT_EQ(registry_of("https://index.docker.io/v1/"), "docker.io");
  EXPECT_EQ(registry_of("https://reg:5000/v2/"), "reg:5000");
}

TEST(Credentials, Base64) {
  for (std::string text : {"", "a", "ab", "abc", "abcd", "\xff\xfe\x00x"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("bob:se:cret"), "Ym9iOnNlOmNyZXQ=");
  EXPECT_EQ(base64_decode("YQ"), "a");
  EXPECT_EQ(base64_decode("Y"), std::nullopt);
  EXPECT_EQ(base64_decode("Y Q="), std::nullopt);
}

}  // namespace
}  // namespace strata::registry

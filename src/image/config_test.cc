#include "image/config.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

const std::string kZeroRunConfig =
    R"({"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,)"
    R"("AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,)"
    R"("Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null})";

// `docker import` of dockerd 20.10.24, the complete file (docs/store.md, section 1.2).
const std::string kImported =
    R"({"architecture":"amd64","comment":"Imported from -","config":)" + kZeroRunConfig +
    R"(,"container_config":)" + kZeroRunConfig +
    R"(,"created":"2026-11-24T20:15:42.556451732Z","docker_version":"20.10.24+dfsg1",)"
    R"("history":[{"created":"2026-11-24T20:15:42.556451732Z","comment":"Imported from -"}],)"
    R"("os":"linux","rootfs":{"type":"layers","diff_ids":[)"
    R"("sha256:1f13b44d5d76b3c597e1aacfca49e7a22f2d868ef2e6ae7c6bf667e3de577639"]}})";

const std::string kOci = R"({
  "architecture": "arm64", "variant": "v8", "os": "linux", "os.version": "1", "os.features": ["f"],
  "created": "2026-01-02T03:04:05+01:00", "unknown": {"deep": [1]},
  "config": {"ExposedPorts": {"80/tcp": {}, "443/udp": {}}, "Env": [], "Cmd": "sleep 1",
             "Entrypoint": ["/e"], "Volumes": {"/v": {}}, "WorkingDir": "/w", "Labels": {"b": "2", "a": "1"},
             "StopSignal": "SIGINT", "StopTimeout": 0, "Shell": ["/bin/bash", "-c"], "ArgsEscaped": true,
             "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000, "Retries": 2}},
  "rootfs": {"type": "layers", "diff_ids": [
    "sha256:1f13b44d5d76b3c597e1aacfca49e7a22f2d868ef2e6ae7c6bf667e3de577639",
    "sha256:6380a3fc3d6c4a9a36b8d8eac4cf8f0c7ddbbdb4f8bd2ff5ebe6cba5b0d3e8c2"]},
  "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "ADD x", "author": "me"},
              {"created_by": "ENV a=b", "empty_layer": true, "comment": "c"}, {"created": null}]
})";

ImageConfig parsed(std::string_view text) {
  auto c = parse_image_config(text);
  EXPECT_TRUE(c) << (c ? "" : c.error().message());
  return c ? *std::move(c) : ImageConfig();
}

TEST(ImageConfig, TheImportOfDockerdRoundTrips) {
  const ImageConfig c = parsed(kImported);
  EXPECT_EQ(encode_image_config(c), kImported);
  EXPECT_EQ(c.architecture, "amd64");
  EXPECT_EQ(c.created.str(), "2026-11-24T20:15:42.556451732Z");
  EXPECT_EQ(c.diff_ids.size(), 1U);
}

TEST(ImageConfig, AFreshOneIsWhatDockerdWrites) {
  ImageConfig c;
  EXPECT_EQ(encode_image_config(c),
            R"({"config":)" + kZeroRunConfig + R"(,"container_config":)" + kZeroRunConfig +
                R"(,"created":"0001-01-01T00:00:00Z","rootfs":{"type":"layers"}})");
  c.container_config.reset();
  EXPECT_EQ(encode_image_config(c),
            R"({"config":)" + kZeroRunConfig +
                R"(,"created":"0001-01-01T00:00:00Z","rootfs":{"type":"layers"}})");
}

TEST(ImageConfig, ReadsTheOciShape) {
  const ImageConfig c = parsed(kOci);
  EXPECT_EQ(c.variant, "v8");
  EXPECT_EQ(c.os_version, "1");
  EXPECT_EQ(c.os_features, std::vector<std::string>{"f"});
  EXPECT_EQ(c.created.str(), "2026-01-02T02:04:05Z");
  EXPECT_FALSE(c.container_config);
  EXPECT_EQ(c.config.exposed_ports, (std::set<std::string>{"443/udp", "80/tcp"}));
  EXPECT_EQ(c.config.env, std::vector<std::string>());
  EXPECT_EQ(c.config.cmd, std::vector<std::string>{"sleep 1"});
  EXPECT_FALSE(c.config.on_build);
  EXPECT_EQ(c.config.stop_timeout, 0);
  EXPECT_EQ(c.config.healthcheck->interval_ns, 5'000'000'000);
  ASSERT_EQ(c.history.size(), 3U);
  EXPECT_EQ(c.history[0].author, "me");
  EXPECT_TRUE(c.history[1].empty_layer);
  EXPECT_TRUE(c.history[2].created.is_zero());
  EXPECT_EQ(parsed(encode_image_config(c)), c);
}

TEST(RunConfig, IsWrittenInDockersOrder) {
  RunConfig c = parsed(kOci).config;
  c.hostname = "h";
  c.network_disabled = true;
  c.mac_address = "m";
  c.on_build = {"RUN a && b"};
  c.healthcheck->timeout_ns = 1;
  c.healthcheck->start_period_ns = 2;
  c.healthcheck->start_interval_ns = 3;
  const std::string text =
      R"({"Hostname":"h","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,)"
      R"("AttachStderr":false,"ExposedPorts":{"443/udp":{},"80/tcp":{}},"Tty":false,"OpenStdin":false,)"
      R"("StdinOnce":false,"Env":[],"Cmd":["sleep 1"],"Healthcheck":{"Test":["CMD-SHELL","true"],)"
      R"("Interval":5000000000,"Timeout":1,"StartPeriod":2,"StartInterval":3,"Retries":2},)"
      R"("ArgsEscaped":true,"Image":"","Volumes":{"/v":{}},"WorkingDir":"/w","Entrypoint":["/e"],)"
      R"("NetworkDisabled":true,"MacAddress":"m","OnBuild":["RUN a \u0026\u0026 b"],)"
      R"("Labels":{"a":"1","b":"2"},"StopSignal":"SIGINT","StopTimeout":0,"Shell":["/bin/bash","-c"]})";
  EXPECT_EQ(run_config_json(c).dump(), text);
  auto again = run_config_from_json(run_config_json(c));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, c);
}

TEST(RunConfig, NullAndEmptyStayApart) {
  RunConfig c;
  c.env.emplace();
  c.labels.emplace();
  c.volumes.emplace();
  c.on_build.emplace();
  c.entrypoint.emplace();
  const Json json = run_config_json(c);
  EXPECT_EQ(json["Env"].dump(), "[]");
  EXPECT_EQ(json["Cmd"].dump(), "null");
  EXPECT_EQ(json["Labels"].dump(), "{}");
  EXPECT_EQ(json["Volumes"].dump(), "{}");
  EXPECT_EQ(*run_config_from_json(json), c);
}

// As Go decodes: case ignored, duplicates in document order, null changes no scalar, objects merge.
TEST(ImageConfig, IsReadAsTolerantlyAsDockerd) {
  const ImageConfig c = parsed(
      R"({"OS":"a","os":"linux","Os":null,"ROOTFS":{"Diff_IDs":null},"author":"x","Author":"y",
          "config":{"user":"u","Labels":{"a":"1"}},"Config":{"labels":{"b":"2"},"hostname":"h"}})");
  EXPECT_EQ(c.os, "linux");
  EXPECT_EQ(c.author, "y");
  EXPECT_EQ(c.config.user, "u");
  EXPECT_EQ(c.config.hostname, "h");
  EXPECT_EQ(c.config.labels->size(), 2U);
  EXPECT_TRUE(c.diff_ids.empty());
}

struct BadConfig {
  const char* name;
  std::string text;
  std::string message;
};
class ImageConfigRefused : public testing::TestWithParam<BadConfig> {};
TEST_P(ImageConfigRefused, NamesTheKey) {
  auto c = parse_image_config(GetParam().text);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(c.error().message(), "image config: " + GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    Cases, ImageConfigRefused,
    testing::ValuesIn(std::vector<BadConfig>{
        {"NotJson", "{", "invalid JSON at byte 1: unexpected end"},
        {"NotAnObject", "[]", "not an object"},
        {"Null", "null", "no rootfs key"},
        {"NoRootfs", R"({"os":"linux"})", "no rootfs key"},
        {"NullRootfs", R"({"rootfs":{},"rootfs":null})", "no rootfs key"},
        {"MoreHistoryThanLayers", R"({"rootfs":{"type":"layers"},"history":[{}]})",
         "too many non-empty layers in History section"},
        {"BadDiffId", R"({"rootfs":{"diff_ids":["sha256:12"]}})",
         "rootfs: diff_ids: element 0: not a sha256 digest"},
        {"EnvIsAString", R"({"rootfs":{},"config":{"Env":"A=1"}})", "config: Env: not an array"},
        {"EnvOfNumbers", R"({"rootfs":{},"config":{"env":["a",1]}})",
         "config: Env: element 1: not a string"},
        {"LabelIsANumber", R"({"rootfs":{},"config":{"Labels":{"a":1}}})",
         "config: Labels: a: not a string"},
        {"PortsAreAList", R"({"rootfs":{},"config":{"ExposedPorts":["80"]}})",
         "config: ExposedPorts: not an object"},
        {"IntervalIsText", R"({"rootfs":{},"config":{"Healthcheck":{"Interval":"5s"}}})",
         "config: Healthcheck: Interval: not an integer"},
        {"CreatedIsANumber", R"({"rootfs":{},"created":5})", "created: not an RFC 3339 time"},
        {"TtyIsText", R"({"rootfs":{},"config":{"Tty":"true"}})", "config: Tty: not a boolean"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(ChainIds, AreTheOnesOfTheStoreDocument) {
  auto diff = [](const std::string& hex) { return DiffID(*Digest::parse("sha256:" + hex)); };
  const DiffID bottom = diff("1f13b44d5d76b3c597e1aacfca49e7a22f2d868ef2e6ae7c6bf667e3de577639");
  const std::vector<ChainID> chain = chain_ids({bottom, bottom});
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].digest(), bottom.digest());
  EXPECT_EQ(chain[1].digest(), sha256(bottom.str() + ' ' + bottom.str()));
  EXPECT_TRUE(chain_ids({}).empty());
}

}  // namespace
}  // namespace strata

#include "registry/manifest.h"

#include <gtest/gtest.h>

namespace strata::registry {
namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

std::string image_text(const std::string& more = "") {
  return "{\"schemaVersion\":2" + more + ",\"config\":{\"digest\":\"" + kA +
         "\",\"size\":7},\"layers\":[{\"mediaType\":\"t\",\"digest\":\"" + kB + "\",\"size\":9}]}";
}

std::string message(const std::string& text, const char* type = kDockerManifest) {
  auto parsed = parse_manifest(text, type);
  return parsed ? "no error" : parsed.error().message();
}

TEST(Manifest, OfAnImage) {
  auto parsed = parse_manifest(image_text(), std::string(kOciManifest) + "; charset=utf-8");
  ASSERT_TRUE(parsed) << parsed.error().message();
  const auto& manifest = std::get<Manifest>(*parsed);
  EXPECT_EQ(manifest.config.digest.str(), kA);
  EXPECT_EQ(manifest.config.size, 7);
  ASSERT_EQ(manifest.layers.size(), 1U);
  EXPECT_EQ(manifest.layers[0].digest.str(), kB);
  EXPECT_EQ(manifest.layers[0].size, 9);
  EXPECT_EQ(manifest.layers[0].media_type, "t");
}

TEST(Manifest, TheDocumentsOwnTypeCountsMore) {
  auto text = "{\"mediaType\":\"" + std::string(kOciIndex) + "\",\"manifests\":[]}";
  auto parsed = parse_manifest(text, kDockerManifest);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(std::holds_alternative<Index>(*parsed));
  EXPECT_TRUE(parse_manifest(image_text(), "text/plain"));
}

TEST(Manifest, WhatIsNoneIsRefused) {
  EXPECT_EQ(message("[]"), "not an object");
  EXPECT_EQ(message("{\"schemaVersion\":1,\"fsLayers\":[]}"),
            "it is of schema 1, which is no longer supported: push it again with a docker of 1.10 "
            "or later");
  EXPECT_EQ(message("{\"config\":{},\"layers\":3}"), "it has no layers");
  EXPECT_EQ(message("{\"config\":{\"digest\":\"sha512:1\"},\"layers\":[]}"),
            "config: bad digest \"sha512:1\"");
  EXPECT_EQ(message("{\"config\":{\"digest\":\"" + kA + "\",\"size\":-1},\"layers\":[]}"),
            "config: no size");
  EXPECT_EQ(message("{\"config\":{\"digest\":\"" + kA + "\",\"size\":1},\"layers\":[7]}"),
            "layer 1: not a descriptor");
  EXPECT_EQ(message("{}", "text/html"), "unsupported manifest media type \"text/html\"");
  EXPECT_EQ(message(image_text(",\"artifactType\":\"x/y\"")),
            "\"x/y\" is an artifact, not an image");
  EXPECT_EQ(message("{\"config\":{\"mediaType\":\"helm\",\"digest\":\"" + kA +
                    "\",\"size\":1},\"layers\":[]}"),
            "a config of type \"helm\" is not that of an image");
}

TEST(Manifest, APlatformIsChosen) {
  auto entry = [](const std::string& more) {
    return "{\"digest\":\"" + kA + "\",\"size\":1" + more + "}";
  };
  auto platform = [&](const char* os, const char* architecture, const char* variant) {
    return entry(
        fmt::format(",\"platform\":{{\"os\":\"{}\",\"architecture\":\"{}\",\"variant\":\"{}\"}}",
                    os, architecture, variant));
  };
  auto text =
      "{\"manifests\":[" + platform("windows", "amd64", "") + ',' + platform("linux", "arm", "v6") +
      ',' + platform("linux", "arm64", "v8") + ',' + platform("unknown", "unknown", "") + ',' +
      entry(",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}") + "]}";
  auto parsed = parse_manifest(text, kOciIndex);
  ASSERT_TRUE(parsed) << parsed.error().message();
  const auto& index = std::get<Index>(*parsed);
  EXPECT_EQ(index.entries.size(), 4U);
  EXPECT_EQ(choose(index, {"linux", "arm64", ""}), &index.entries[2]);
  EXPECT_EQ(choose(index, {"linux", "arm", "v6"}), &index.entries[1]);
  EXPECT_EQ(choose(index, {"windows", "amd64", ""}), &index.entries[0]);
  EXPECT_EQ(choose(index, {"linux", "amd64", ""}), nullptr);
}

TEST(Manifest, IsWrittenAsDockerDoes) {
  Manifest manifest;
  manifest.config = {kDockerConfig, *Digest::parse(kA), 7};
  manifest.layers = {{kDockerLayer, *Digest::parse(kB), 9}};
  EXPECT_EQ(encode_manifest(manifest, kDockerManifest), R"({
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
   "config": {
      "mediaType": "application/vnd.docker.container.image.v1+json",
      "size": 7,
      "digest": ")" + kA + R"("
   },
   "layers": [
      {
         "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
         "size": 9,
         "digest": ")" + kB + R"("
      }
   ]
})");
}

TEST(Parts, AreThoseOfAnythingThatCanBeCarriedOn) {
  auto artifact = parse_parts(image_text(",\"artifactType\":\"x/y\""), kOciManifest);
  ASSERT_TRUE(artifact) << artifact.error().message();
  EXPECT_FALSE(artifact->is_index);
  EXPECT_EQ(artifact->media_type, kOciManifest);
  EXPECT_EQ(artifact->manifest.layers.size(), 1U);
  // Layers that only stand elsewhere are not carried on.
  auto text = image_text();
  text.replace(text.find("\"t\""), 3,
               "\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\"");
  EXPECT_TRUE(parse_parts(text, kDockerManifest)->manifest.layers.empty());
  // Of an index everything is, attestations too.
  auto index = parse_parts("{\"manifests\":[{\"digest\":\"" + kA +
                               "\",\"size\":1,\"annotations\":{\"vnd.docker.reference.type\":"
                               "\"attestation-manifest\"}}]}",
                           "");
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_TRUE(index->is_index);
  EXPECT_EQ(index->children.size(), 1U);
  for (auto bad : {"[]", "{}", "{\"schemaVersion\":1}", "{\"manifests\":[{}]}",
                   "{\"config\":{},\"layers\":[]}"})
    EXPECT_FALSE(parse_parts(bad, "")) << bad;
}

}  // namespace
}  // namespace strata::registry

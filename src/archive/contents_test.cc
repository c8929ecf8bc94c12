#include "archive/contents.h"

#include "archive/detail/archive_fixture.h"

namespace strata::archive {
namespace {

const Platform kPlatform{"linux", "amd64", ""};

Result<std::vector<ArchivedImage>> contents_of(const std::string& tar) {
  auto members = TRY(index_text(tar));
  return read_contents(*members, kPlatform);
}

std::string manifest(const std::string& rest, const std::string& config = "c.json") {
  return R"([{"Config":")" + config + "\"," + rest + "}]";
}

TEST(DockerArchive, GivesImagesWithTheirNames) {
  auto layer = layer_text("f", "1");
  auto tar =
      TarText()
          .file("c.json", config_text({layer}))
          .file("x/layer.tar", layer)
          .file("manifest.json",
                manifest(R"("RepoTags":["app:1","reg.example/b:2"],"Layers":["x/layer.tar"])"))
          .end();
  auto images = contents_of(tar);
  ASSERT_TRUE(images) << message_of(images);
  ASSERT_EQ(images->size(), 1U);
  const auto& image = images->front();
  EXPECT_EQ(image.id.digest(), sha256(config_text({layer})));
  ASSERT_EQ(image.names.size(), 2U);
  EXPECT_EQ(image.names[0].str(), "docker.io/library/app:1");
  EXPECT_EQ(image.names[1].str(), "reg.example/b:2");
  ASSERT_EQ(image.layers.size(), 1U);
  EXPECT_EQ(image.layers[0].member, "x/layer.tar");
}

struct BadDocker {
  const char* name;
  std::string manifest;
  std::string config;
  const char* message;
};

class DockerArchiveRefuses : public testing::TestWithParam<BadDocker> {};

TEST_P(DockerArchiveRefuses, WithOneLine) {
  auto tar = TarText()
                 .file("c.json", GetParam().config)
                 .file(std::string(64, '0') + ".json", GetParam().config)
                 .file("manifest.json", GetParam().manifest)
                 .end();
  auto images = contents_of(tar);
  ASSERT_FALSE(images);
  EXPECT_EQ(images.error().message(), GetParam().message);
}

std::vector<BadDocker> bad_docker() {
  auto config = config_text({"one"});
  auto sound = manifest(R"("Layers":["l"])");
  std::vector<std::string> many(126, "x");
  std::string many_names = "\"l\"";
  for (int i = 1; i < 126; i++) many_names += ",\"l\"";
  return {
      {"NoJson", "nope", config, "manifest.json: invalid JSON at byte 0: unexpected word"},
      {"NoList", "{}", config, "manifest.json: not a list of images"},
      {"TooDeep", std::string(100'000, '['), config,
       "manifest.json: invalid JSON at byte 512: nested too deeply"},
      {"NoConfig", R"([{"Layers":[]}])", config, "manifest.json: an image without Config"},
      {"NotAnObject", "[1]", config, "manifest.json: an image without Config"},
      {"ConfigMissing", manifest(R"("Layers":["l"])", "d.json"), config, "d.json: no such member"},
      {"ConfigOutside", manifest(R"("Layers":["l"])", "../c.json"), config,
       "manifest.json: \"../c.json\" names no member of the archive"},
      {"ConfigAbsolute", manifest(R"("Layers":["l"])", "/c.json"), config,
       "manifest.json: \"/c.json\" names no member of the archive"},
      {"ConfigDigest", manifest(R"("Layers":["l"])", std::string(64, '0') + ".json"), config,
       "0000000000000000000000000000000000000000000000000000000000000000.json: it does not have "
       "the digest of its name"},
      {"LayerOutside", manifest(R"("Layers":["a/../../l"])"), config,
       "manifest.json: \"a/../../l\" names no member of the archive"},
      {"LayersNoList", manifest(R"("Layers":{"a":1})"), config, "manifest.json: Layers is no list"},
      {"LayerNoText", manifest(R"("Layers":[1])"), config,
       "manifest.json: Layers has an element that is no text"},
      {"FewerLayers", manifest(R"("Layers":[])"), config,
       "c.json: invalid manifest, layers length mismatch: expected 0, got 1"},
      {"MoreLayers", manifest(R"("Layers":["a","b"])"), config,
       "c.json: invalid manifest, layers length mismatch: expected 2, got 1"},
      {"TooManyLayers", manifest("\"Layers\":[" + many_names + "]"), config_text(many),
       "c.json: max depth exceeded"},
      {"TagWithoutTag", manifest(R"("RepoTags":["app"],"Layers":["l"])"), config,
       "manifest.json: invalid tag \"app\""},
      {"TagWithDigest",
       manifest(R"("RepoTags":["app:1@sha256:)" + std::string(64, 'a') + R"("],"Layers":["l"])"),
       config,
       "manifest.json: invalid tag \"app:1@sha256:"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
      {"TagNoName", manifest(R"("RepoTags":["A b:1"],"Layers":["l"])"), config,
       "manifest.json: invalid tag \"A b:1\""},
      {"OtherSystem", sound, config_text({"one"}, "windows"),
       "c.json: cannot load windows image on linux"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, DockerArchiveRefuses, testing::ValuesIn(bad_docker()),
                         [](const auto& row) { return row.param.name; });

TEST(DockerArchive, OfDuplicateKeysTheLastCountsAndOthersAreIgnored) {
  auto tar =
      TarText()
          .file("c.json", config_text({}))
          .file("manifest.json",
                R"([{"Config":"none","Config":"c.json","Layers":null,"RepoTags":null,"X":{}}])")
          .end();
  auto images = contents_of(tar);
  ASSERT_TRUE(images) << message_of(images);
  EXPECT_TRUE(images->front().names.empty());
}

TEST(ImageArchive, WithoutAnyFormIsRefused) {
  EXPECT_EQ(message_of(contents_of(TarText().file("etc/passwd", "").end())),
            "no archive of images: it has no manifest.json, index.json or repositories");
}

/// An OCI layout, blob by blob.
class Layout {
 public:
  std::string blob(const std::string& bytes) {
    auto digest = sha256(bytes);
    tar_.file("blobs/sha256/" + digest.hex(), bytes);
    return R"("digest":")" + digest.str() + R"(","size":)" + std::to_string(bytes.size());
  }
  std::string image(const std::string& layer) {
    return blob(R"({"schemaVersion":2,"config":{)" + blob(config_text({layer})) +
                R"(},"layers":[{)" + blob(layer) + "}]}");
  }
  std::string index(const std::string& entries) {
    tar_.file("index.json", R"({"schemaVersion":2,"manifests":[)" + entries + "]}");
    return tar_.end();
  }

 private:
  TarText tar_;
};

std::string entry(const std::string& blob, const std::string& rest = "") {
  return "{" + blob + (rest.empty() ? "" : "," + rest) + "}";
}

std::string on(const std::string& architecture) {
  return R"("platform":{"os":"linux","architecture":")" + architecture + R"("})";
}

std::string named(const std::string& key, const std::string& name) {
  return R"("annotations":{")" + key + R"(":")" + name + R"("})";
}

TEST(OciLayout, TakesThePlatformOutOfNestedIndexesAndNoAttestation) {
  Layout layout;
  auto arm = layout.image("arm");
  auto amd = layout.image("amd");
  auto note = layout.image("note");
  auto inner =
      layout.blob(R"({"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
                  entry(arm, on("arm64")) + "," +
                  entry(note, named("vnd.docker.reference.type", "attestation-manifest")) + "," +
                  entry(amd, on("amd64")) + "]}");
  auto images =
      contents_of(layout.index(entry(inner, named("org.opencontainers.image.ref.name", "app:3"))));
  ASSERT_TRUE(images) << message_of(images);
  ASSERT_EQ(images->size(), 1U);
  EXPECT_EQ(images->front().parsed.diff_ids[0].digest(), sha256("amd"));
  EXPECT_EQ(images->front().layers[0].blob, sha256("amd"));
  ASSERT_EQ(images->front().names.size(), 1U);
  EXPECT_EQ(images->front().names[0].familiar(), "app:3");
}

TEST(OciLayout, NamesComeFromContainerdsAnnotationFirstAndATagAloneIsNone) {
  Layout layout;
  auto one = layout.image("one");
  auto images = contents_of(
      layout.index(entry(one, R"("annotations":{"org.opencontainers.image.ref.name":"1",)"
                              R"("io.containerd.image.name":"docker.io/library/app:1"})") +
                   "," + entry(one, named("org.opencontainers.image.ref.name", "latest"))));
  ASSERT_TRUE(images) << message_of(images);
  ASSERT_EQ(images->size(), 1U);
  ASSERT_EQ(images->front().names.size(), 1U);
  EXPECT_EQ(images->front().names[0].familiar(), "app:1");
}

TEST(OciLayout, OfEntriesWithOneNameTheHostsPlatformIsTaken) {
  Layout layout;
  auto arm = layout.image("arm");
  auto amd = layout.image("amd");
  auto images = contents_of(layout.index(entry(arm, on("arm64")) + "," + entry(amd, on("amd64"))));
  ASSERT_TRUE(images) << message_of(images);
  ASSERT_EQ(images->size(), 1U);
  EXPECT_EQ(images->front().parsed.diff_ids[0].digest(), sha256("amd"));
}

TEST(OciLayout, WhatIsWrongIsNamed) {
  Layout foreign;
  auto both = entry(foreign.image("a"), on("arm64")) + "," + entry(foreign.image("b"), on("s390x"));
  auto index = R"({"manifests":[)" + both + "]}";
  EXPECT_EQ(message_of(contents_of(foreign.index(entry(foreign.blob(index))))),
            "blobs/sha256/" + sha256(index).hex() + ": it has no image for linux/amd64");

  EXPECT_EQ(message_of(contents_of(Layout().index(R"({"digest":"md5:1"})"))),
            "index.json: bad digest \"md5:1\"");
  EXPECT_EQ(message_of(contents_of(Layout().index(R"({"digest":")" + sha256("x").str() + "\"}"))),
            "blobs/sha256/" + sha256("x").hex() + ": no such member");
  EXPECT_EQ(message_of(contents_of(TarText().file("index.json", "{}").end())),
            "index.json: it has no manifests");
  EXPECT_EQ(message_of(contents_of(TarText()
                                       .file("oci-layout", R"({"imageLayoutVersion":"2.0"})")
                                       .file("index.json", R"({"manifests":[]})")
                                       .end())),
            "oci-layout: unknown version \"2.0\"");
  EXPECT_EQ(message_of(contents_of(TarText()
                                       .file("blobs/sha256/" + sha256("x").hex(), "y")
                                       .file("index.json", R"({"manifests":[{"digest":")" +
                                                               sha256("x").str() + R"("}]})")
                                       .end())),
            "blobs/sha256/" + sha256("x").hex() + ": it does not have the digest of its name");
  Layout nothing;
  auto list = nothing.blob("[]");
  EXPECT_EQ(message_of(contents_of(nothing.index(entry(list)))),
            "blobs/sha256/" + sha256("[]").hex() + ": not a manifest of an image");
}

TEST(LegacyArchive, TheChainOfParentsBecomesImages) {
  auto below = layer_text("f", "1");
  auto above = layer_text("g", "2");
  auto tar =
      TarText()
          .file("b/json", R"({"id":"b","parent":"a","docker_version":"1.9.1","os":"linux",)"
                          R"("created":"2015-01-03T03:04:05Z","z":1,"architecture":"amd64"})")
          .file("b/layer.tar", above)
          .file("a/json", R"({"id":"a","docker_version":"1.9.1","created":"2015-01-02T03:04:05Z",)"
                          R"("container_config":{"Cmd":["x","y"]}})")
          .file("a/layer.tar", below)
          .file("repositories", R"({"old":{"1":"b"}})")
          .end();
  auto images = contents_of(tar);
  ASSERT_TRUE(images) << message_of(images);
  ASSERT_EQ(images->size(), 2U);
  const auto& top = (*images)[1];
  EXPECT_EQ(top.parent, (*images)[0].id);
  ASSERT_EQ(top.names.size(), 1U);
  EXPECT_EQ(top.names[0].familiar(), "old:1");
  EXPECT_EQ(top.config,
            R"({"architecture":"amd64","created":"2015-01-03T03:04:05Z","docker_version":"1.9.1",)"
            R"("history":[{"created":"2015-01-02T03:04:05Z","created_by":"x y"},)"
            R"({"created":"2015-01-03T03:04:05Z"}],"os":"linux","rootfs":{"type":"layers",)"
            R"("diff_ids":[")" +
                sha256(below).str() + R"(",")" + sha256(above).str() + R"("]},"z":1})");
}

TEST(LegacyArchive, AnImageThatIsItsOwnAncestorIsRefused) {
  auto tar =
      TarText().file("a/json", R"({"parent":"b"})").file("b/json", R"({"parent":"a"})").end();
  EXPECT_EQ(message_of(contents_of(tar)), "a/json: the image is its own ancestor");
  EXPECT_EQ(message_of(contents_of(TarText().file("a/json", R"({"parent":"b"})").end())),
            "b/json: no such member");
  EXPECT_EQ(message_of(contents_of(TarText().file("a/json", R"({"parent":"../b"})").end())),
            "json: \"../b\" names no member of the archive");
}

}  // namespace
}  // namespace strata::archive

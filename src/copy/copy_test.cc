#include "copy/copy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "copy/detail/blob_stream.h"
#include "copy/detail/media_types.h"
#include "copy/detail/tar_file.h"
#include "copy/layout.h"
#include "tar/reader.h"

namespace strata::copy {
namespace {

using registry::kDockerIndex;
using registry::kDockerLayer;
using registry::kDockerManifest;
using registry::kOciIndex;
using registry::kOciManifest;

Document document(std::string bytes, const char* type) {
  auto digest = sha256(bytes);
  return {std::move(bytes), type, digest};
}

Descriptor descriptor(std::string_view bytes, const char* type) {
  return {type, sha256(bytes), static_cast<std::int64_t>(bytes.size())};
}

/// A place in memory.
struct Shelf final : Source {
  Document first;
  std::map<Digest, std::string> blobs;

  Result<Document> root() override { return first; }
  Result<Document> manifest(const Descriptor& d) override {
    return document(blobs.at(d.digest), kOciManifest);
  }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) override {
    return std::unique_ptr<ByteSource>(std::make_unique<StringSource>(blobs.at(blob.digest)));
  }
};

struct Basket final : Destination {
  std::map<Digest, std::string> blobs;
  std::map<Digest, std::string> manifests;
  std::optional<Document> named;
  std::size_t puts = 0;

  Result<bool> has(const Descriptor& blob) override { return blobs.contains(blob.digest); }
  Result<void> put(const OpenBlob& open, const std::function<Descriptor()>& what) override {
    puts++;
    auto source = TRY(open());
    std::string bytes;
    std::vector<char> buffer(7);
    while (auto n = TRY(source->read(buffer))) bytes.append(buffer.data(), n);
    blobs[what().digest] = bytes;
    return {};
  }
  Result<void> put_manifest(const Document& d) override {
    manifests[d.digest] = d.bytes;
    return {};
  }
  Result<void> finish(const Document& root) override {
    named = root;
    return {};
  }
};

/// An image of one layer on the shelf; gives its manifest.
std::string shelve(Shelf& shelf, const std::string& layer) {
  const std::string config = R"({"os":"linux"})";
  registry::Manifest manifest;
  manifest.config = descriptor(config, registry::kDockerConfig);
  manifest.layers = {descriptor(layer, kDockerLayer), descriptor(layer, kDockerLayer)};
  auto bytes = registry::encode_manifest(manifest, kDockerManifest);
  for (const auto& blob : {config, layer, bytes}) shelf.blobs[sha256(blob)] = blob;
  shelf.first = document(bytes, kDockerManifest);
  return bytes;
}

TEST(Copy, AManifestKeepsItsBytesAndABlobGoesOnce) {
  Shelf shelf;
  Basket basket;
  auto manifest = shelve(shelf, "a layer");
  auto copied = copy_image(shelf, basket, {});
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(copied->bytes, manifest);
  EXPECT_EQ(basket.named->digest, sha256(manifest));
  EXPECT_EQ(basket.puts, 2U);
  EXPECT_EQ(basket.blobs.at(sha256("a layer")), "a layer");
  ASSERT_TRUE(copy_image(shelf, basket, {}));
  EXPECT_EQ(basket.puts, 2U);
}

TEST(Copy, ABlobThatIsWrongIsNeverComplete) {
  for (auto wrong : {"a layex", "a laye", "a layer and more"}) {
    Shelf shelf;
    Basket basket;
    shelve(shelf, "a layer");
    shelf.blobs[sha256("a layer")] = wrong;
    auto copied = copy_image(shelf, basket, {});
    ASSERT_FALSE(copied) << wrong;
    EXPECT_EQ(copied.error().code(), ErrorCode::Corrupt);
    EXPECT_FALSE(basket.blobs.contains(sha256("a layer")));
    EXPECT_FALSE(basket.named);
  }
}

TEST(Copy, AnIndexComesWithAllOrGivesOne) {
  Shelf shelf;
  auto manifest = shelve(shelf, "a layer");
  auto d = descriptor(manifest, kDockerManifest);
  auto index = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}","size":{},)"
      R"("platform":{{"os":"linux","architecture":"arm64"}},"extra":1}}]}})",
      kOciIndex, d.media_type, d.digest.str(), d.size);
  shelf.first = document(index, kOciIndex);
  CopyOptions options;
  options.all = true;
  Basket all;
  auto copied = copy_image(shelf, all, options);
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(copied->bytes, index);
  EXPECT_TRUE(all.manifests.contains(d.digest));

  options.format = Format::Oci;
  Basket oci;
  copied = copy_image(shelf, oci, options);
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(copied->media_type, kOciIndex);
  EXPECT_NE(copied->bytes.find("\"extra\": 1"), std::string::npos);  // what else it says stays
  EXPECT_EQ(copied->bytes.find(d.digest.str()), std::string::npos);
  options.preserve_digests = true;
  EXPECT_FALSE(copy_image(shelf, oci, options));

  Basket one;
  CopyOptions arm;
  arm.platform = {"linux", "arm64", ""};
  copied = copy_image(shelf, one, arm);
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(copied->bytes, manifest);
  arm.platform.architecture = "s390x";
  EXPECT_EQ(copy_image(shelf, one, arm).error().message(),
            "no matching manifest for linux/s390x in the manifest list entries");
}

TEST(Copy, ACancelledOneSaysSo) {
  Shelf shelf;
  Basket basket;
  shelve(shelf, "a layer");
  std::stop_source stop;
  stop.request_stop();
  CopyOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(copy_image(shelf, basket, options).error().code(), ErrorCode::Cancelled);
}

TEST(MediaTypes, HaveTheirPairs) {
  registry::Manifest manifest;
  manifest.config.media_type = registry::kDockerConfig;
  manifest.layers.resize(2);
  manifest.layers[0].media_type = kDockerLayer;
  manifest.layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
  ASSERT_TRUE(detail::rewrite_types(manifest, kOciManifest));
  EXPECT_EQ(manifest.layers[0].media_type, registry::kOciLayer);
  EXPECT_FALSE(detail::rewrite_types(manifest, kDockerManifest));
  EXPECT_EQ(detail::index_type(kOciIndex, Format::Docker), kDockerIndex);
  EXPECT_EQ(detail::index_type(kOciIndex, std::nullopt), kOciIndex);
}

TEST(TarFile, AHeaderHoldsAnySize) {
  for (std::int64_t size : {std::int64_t{0}, std::int64_t{077777777777}, std::int64_t{1} << 33,
                            std::int64_t{1} << 50}) {
    auto header = detail::file_header("blobs/sha256/x", size);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->size(), 512U);
    StringSource source(*header);
    tar::Reader reader(source);
    auto entry = reader.next();
    ASSERT_TRUE(entry && *entry) << size;
    EXPECT_EQ((*entry)->size, size);
    EXPECT_EQ((*entry)->name, "blobs/sha256/x");
  }
  EXPECT_FALSE(detail::file_header(std::string(200, 'x') + "/" + std::string(200, 'y'), 1));
}

TEST(Layout, AnImageIsInTheIndexOnceUnderItsName) {
  auto root = document("{}", kOciManifest);
  auto one = add_to_index("", root, "x");
  ASSERT_TRUE(one);
  EXPECT_EQ(*add_to_index(*one, root, "x"), *one);
  auto two = add_to_index(*one, root, "y");
  ASSERT_TRUE(two);
  EXPECT_EQ((*Json::parse(*two))["manifests"].size(), 2U);
  auto nameless = add_to_index(*two, root, "");
  EXPECT_EQ(*add_to_index(*nameless, root, ""), *nameless);
  for (const char* other : {"no json", "6", "[]", R"({"manifests":{"a":1}})"})
    EXPECT_FALSE(add_to_index(other, root, "x")) << other;
}

}  // namespace
}  // namespace strata::copy

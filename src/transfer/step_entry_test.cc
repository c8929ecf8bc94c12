#include "transfer/step_entry.h"

#include <gtest/gtest.h>

namespace strata::transfer {
namespace {

const std::string kOne(64, '1');
const std::string kTwo(64, '2');

StepEntry with_layer() {
  StepEntry entry{kOne, DiffID(sha256("layer")), {}};
  entry.blob = {"application/vnd.oci.image.layer.v1.tar+gzip", sha256("blob"), 4};
  return entry;
}

TEST(StepEntry, ComesBackAsItWent) {
  auto entry = with_layer();
  auto document = encode_step(entry);
  EXPECT_EQ(document.digest, sha256(document.bytes));
  auto read = parse_step(document.bytes, kOne);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->layer, entry.layer);
  EXPECT_EQ(read->blob, entry.blob);

  auto unchanged = parse_step(encode_step({kTwo, {}, {}}).bytes, kTwo);
  ASSERT_TRUE(unchanged);
  EXPECT_FALSE(unchanged->layer || unchanged->blob);
}

TEST(StepEntry, OfAnotherStepOrNoneIsRefused) {
  auto bytes = encode_step(with_layer()).bytes;
  auto said = [](const std::string& text, const std::string& key) {
    auto read = parse_step(text, key);
    return read ? "" : read.error().message();
  };
  EXPECT_EQ(said(bytes, kTwo), "it is the result of another step");
  EXPECT_EQ(said("{}", kOne), "it is no result of a step");
  EXPECT_NE(said("[", kOne), "");
  auto replaced = [&](const std::string& what, const std::string& with) {
    auto text = bytes;
    return text.replace(text.find(what), what.size(), with);
  };
  EXPECT_NE(said(replaced(with_layer().layer->str(), "sha256:x"), kOne), "");
  EXPECT_NE(said(replaced("\"size\":4", "\"size\":-4"), kOne), "");
  EXPECT_NE(said(replaced("\"layers\":[", "\"layers\":[{},"), kOne), "");
}

TEST(StepEntry, KeysOfOnePlatformAreOfNoOther) {
  EXPECT_EQ(shared_key(kOne), shared_key(kOne));
  EXPECT_NE(shared_key(kOne), shared_key(kTwo));
  EXPECT_NE(shared_key(kOne), kOne);
  EXPECT_EQ(shared_key(kOne).size(), 64U);
}

TEST(InlineSteps, StandInTheManifestOfAnImage) {
  registry::Manifest manifest;
  manifest.config = {registry::kOciConfig, sha256("config"), 6};
  manifest.layers = {{registry::kOciLayer, sha256("base"), 4},
                     {registry::kOciLayer, sha256("top"), 3}};
  registry::Document document;
  document.media_type = registry::kOciManifest;
  document.bytes = registry::encode_manifest(manifest, registry::kOciManifest);
  EXPECT_TRUE(parse_inline_steps(document.bytes).empty());

  auto diff_id = DiffID(sha256("top layer"));
  auto with = with_inline_steps(document, {{kOne, 1, diff_id}, {kTwo, {}, {}}});
  ASSERT_TRUE(with);
  EXPECT_EQ(with->digest, sha256(with->bytes));
  auto steps = parse_inline_steps(with->bytes);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].key, kOne);
  EXPECT_EQ(steps[0].layer, diff_id);
  EXPECT_EQ(steps[0].blob, manifest.layers[1]);
  EXPECT_EQ(steps[1].key, kTwo);
  EXPECT_FALSE(steps[1].layer);
  auto image = registry::parse_manifest(with->bytes, with->media_type);
  ASSERT_TRUE(image) << "it is an image as before";
  EXPECT_EQ(std::get<registry::Manifest>(*image).layers, manifest.layers);

  EXPECT_TRUE(parse_inline_steps("[").empty());
  EXPECT_TRUE(
      parse_inline_steps(R"({"layers":[{"annotations":{"io.strata.step.key":"x"}}]})").empty());
}

}  // namespace
}  // namespace strata::transfer

#include "engine/build_output.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

using Type = BuildOutput::Type;

std::string said(std::string_view text) {
  auto output = parse_build_output(text);
  return output ? "" : output.error().message();
}

TEST(BuildOutput, ShortForms) {
  auto dir = parse_build_output("out/x=1");
  ASSERT_TRUE(dir);
  EXPECT_EQ(dir->type, Type::Local);
  EXPECT_EQ(dir->destination, "out/x=1");
  auto tar = parse_build_output("-");
  ASSERT_TRUE(tar);
  EXPECT_EQ(tar->type, Type::Tar);
  EXPECT_EQ(tar->destination, "-");
}

TEST(BuildOutput, LongForms) {
  auto local = parse_build_output("type=local,dest=out");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->type, Type::Local);
  EXPECT_EQ(local->destination, "out");
  auto oci = parse_build_output(R"(type=oci,"dest=a,b.tar","name=x:1,y:2")");
  ASSERT_TRUE(oci);
  EXPECT_EQ(oci->type, Type::Oci);
  EXPECT_EQ(oci->destination, "a,b.tar");
  EXPECT_EQ(oci->names, (std::vector<std::string>{"x:1", "y:2"}));
  EXPECT_EQ(parse_build_output("type=tar")->destination, "-");
  EXPECT_EQ(parse_build_output("type=docker")->type, Type::Image) << "there is no other daemon";
  EXPECT_EQ(parse_build_output("type=docker,dest=x")->type, Type::Docker);
  EXPECT_TRUE(parse_build_output("type=image,name=app:1,push=false"));
}

TEST(BuildOutput, WhatIsPushed) {
  auto registry = parse_build_output("type=registry,name=reg:5000/x:1,oci-mediatypes=true");
  ASSERT_TRUE(registry);
  EXPECT_EQ(registry->type, Type::Image);
  ASSERT_TRUE(registry->push);
  EXPECT_TRUE(registry->push->form.oci);
  EXPECT_FALSE(registry->push->by_digest);
  auto image = parse_build_output("type=image,push=true,push-by-digest=1,registry.insecure=true");
  ASSERT_TRUE(image && image->push);
  EXPECT_TRUE(image->push->by_digest && image->push->insecure);
  EXPECT_FALSE(parse_build_output("type=registry,push=false")->push);
}

TEST(BuildOutput, PushAndLoad) {
  std::vector<BuildOutput> none;
  add_push_and_load(none, false, false);
  EXPECT_TRUE(none.empty());
  add_push_and_load(none, true, false);
  ASSERT_EQ(none.size(), 1U);
  EXPECT_TRUE(none[0].push);
  std::vector<BuildOutput> others;
  others.push_back(*parse_build_output("out"));
  others.push_back(*parse_build_output("type=image,name=x"));
  add_push_and_load(others, true, true);
  ASSERT_EQ(others.size(), 2U);
  EXPECT_TRUE(others[1].push);
  EXPECT_FALSE(others[0].push);
}

TEST(BuildOutput, WhatMakesNoSense) {
  EXPECT_EQ(said("dest=x,name=y"), "type is required for output");
  EXPECT_EQ(said("type=local"), "output directory is required for local exporter");
  EXPECT_EQ(said("type=local,dest=-"), "dest of a local exporter cannot be standard output");
  EXPECT_EQ(said("type=tar,x"), "invalid value x");
  EXPECT_EQ(said("type=image,dest=x"), "an output of type image has no dest");
  EXPECT_EQ(said("type=s3,name=x"),
            "output type \"s3\" is not supported: local, tar, docker, oci, image or registry");
  EXPECT_EQ(said("type=image,push=maybe"), "non-bool value specified for push");
  EXPECT_EQ(said("type=tar,push=true"), "output option push=true is not supported");
  EXPECT_EQ(said("\"type=tar"), "invalid value \"type=tar: quote without end");
  EXPECT_NE(said(""), "");
}

}  // namespace
}  // namespace strata

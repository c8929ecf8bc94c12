#include "dockerfile/mount.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::dockerfile {
namespace {

std::optional<std::string> lookup(std::string_view name) {
  if (name == "T") return "cache";
  if (name == "D") return "/x y";
  return std::nullopt;
}

Result<Mount> parse_it(std::string_view text) { return parse_mount(text, '\\', lookup); }

TEST(ParseMount, BindIsTheDefaultAndReadOnly) {
  auto m = parse_it("target=/src,source=a,from=base");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->type, Mount::Type::Bind);
  EXPECT_EQ(m->target, "/src");
  EXPECT_EQ(m->source, "a");
  EXPECT_EQ(m->from, "base");
  EXPECT_TRUE(m->read_only);
  EXPECT_FALSE(parse_it("dst=/src,rw")->read_only);
  EXPECT_FALSE(parse_it("dst=/src,ro=false")->read_only);
}

TEST(ParseMount, VariablesAndCsvQuotes) {
  auto m = parse_it("type=$T,\"target=$D\",\"id=a,b\",sharing=LOCKED,mode=0700,uid=1,gid=2");
  ASSERT_TRUE(m) << m.error().message();
  EXPECT_EQ(m->type, Mount::Type::Cache);
  EXPECT_EQ(m->target, "/x y");
  EXPECT_EQ(m->id, "a,b");
  EXPECT_EQ(m->sharing, Mount::Sharing::Locked);
  EXPECT_EQ(m->mode, mode_t{0700});
  EXPECT_EQ(m->uid, 1U);
  EXPECT_EQ(m->gid, 2U);
  EXPECT_FALSE(m->read_only);
}

TEST(ParseMount, SecretsAndAgentsHaveNames) {
  EXPECT_EQ(parse_it("type=secret,id=s")->id, "s");
  EXPECT_EQ(parse_it("type=secret,target=/a/tok")->id, "tok");
  auto env = parse_it("type=secret,id=s,env=TOKEN,required");
  EXPECT_EQ(env->env, "TOKEN");
  EXPECT_TRUE(env->required);
  EXPECT_EQ(parse_it("type=ssh")->id, "default");
}

TEST(ParseMount, Sizes) {
  EXPECT_EQ(parse_it("type=tmpfs,target=/t,size=64m")->size, 64 << 20);
  EXPECT_EQ(parse_it("type=tmpfs,target=/t,size=1GiB")->size, 1 << 30);
  EXPECT_EQ(parse_it("type=tmpfs,target=/t,size=10")->size, 10);
}

TEST(ParseMount, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"type=foo,target=/x", "unsupported mount type \"foo\""},
      {"foo=1,target=/x", "unexpected key 'foo' in 'foo=1'"},
      {"target=/", "invalid mount target \"/\""},
      {"source=a", "invalid mount target \"/\""},
      {"foo,target=/x", "invalid field 'foo' must be a key=value pair"},
      {"from=$T,target=/x",
       "'from' doesn't support variable expansion, define alias stage instead"},
      {"target=/x,ro=maybe", "invalid value for ro: maybe"},
      {"type=cache,target=/x,sharing=no", "unsupported sharing value \"no\""},
      {"type=cache,target=/x,mode=9", "invalid value 9 for mode"},
      {"type=cache,target=/x,uid=-1", "invalid value -1 for uid"},
      {"target=/x,uid=1", "mode, uid and gid not allowed for \"bind\" type mounts"},
      {"target=/x,sharing=shared", "invalid cache sharing set for bind mount"},
      {"target=/x,required", "unexpected key 'required' for mount type 'bind'"},
      {"type=tmpfs,target=/x,size=9q", "invalid value for size: 9q"},
      {"type=tmpfs,target=/x,size=99999999999g", "invalid value for size: 99999999999g"},
      {"target=/x,size=1", "unexpected key 'size' in 'size=1'"},
      {"type=secret", "invalid secret mount. one of source, target required"},
      {"type=secret,id=a,source=b", "both source and id can't be set"},
      {"type=secret,id=a,from=b", "secret mount should not have a from"},
      {"\"target=/x", "--mount: a quote is not closed in \"\\\"target=/x\""},
  };
  for (const auto& [text, message] : cases) {
    auto m = parse_it(text);
    ASSERT_FALSE(m) << text;
    EXPECT_EQ(m.error().message(), message) << text;
  }
}

TEST(MountFrom, LooksAtNothingElse) {
  EXPECT_EQ(mount_from("type=$X,from=base,target=$Y"), "base");
  EXPECT_EQ(mount_from("target=/x"), "");
}

}  // namespace
}  // namespace strata::dockerfile

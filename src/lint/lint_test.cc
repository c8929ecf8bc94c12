#include "lint/lint.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "dockerfile/ignore_file.h"
#include "image/platform.h"
#include "lint/outline.h"

namespace strata::lint {
namespace {

using Lines = std::vector<std::string>;

dockerfile::Dockerfile parsed(const std::string& text) {
  auto file = dockerfile::parse(text, "Dockerfile", dockerfile::StageNames::MayRepeat);
  EXPECT_TRUE(file) << text << ": " << (file ? "" : file.error().message());
  return file ? *std::move(file) : dockerfile::Dockerfile();
}

/// "3 RuleName: detail" for each finding.
Lines findings(const std::string& text, const Input& input = {}) {
  auto file = parsed(text);
  auto settings = parse_settings(file.check);
  EXPECT_TRUE(settings) << text;
  Lines lines;
  for (const auto& f : lint(file, settings ? *settings : Settings(), input))
    lines.push_back(fmt::format("{} {}: {}", f.first_line, rule_info(f.rule).name, f.detail));
  return lines;
}

struct Case {
  const char* name;
  std::string text;
  Lines found;
};
class Rules : public testing::TestWithParam<Case> {};
TEST_P(Rules, FindWhatTheyAreFor) { EXPECT_EQ(findings(GetParam().text), GetParam().found); }

INSTANTIATE_TEST_SUITE_P(
    Cases, Rules,
    testing::ValuesIn(std::vector<Case>{
        {"Clean",
         "# syntax=docker/dockerfile:1\nARG V=3\nFROM alpine:$V AS build\nARG TARGETARCH\n"
         "WORKDIR /src\nCOPY . .\nRUN make $ANYTHING\nFROM scratch\nCOPY --from=build /a /a\n"
         "EXPOSE 80/tcp 53/udp 100-200\nENV A=1 PATH=/x:$PATH\nUSER ${U:-nobody}\n"
         "ENTRYPOINT [\"/a\"]\nCMD [\"b\"]\n",
         {}},
        {"StageNameCasing",
         "FROM x AS Build\n",
         {"1 StageNameCasing: stage name 'Build' is not in lower case"}},
        {"FromAsCasing",
         "FROM x as a\nFROM y aS b\n",
         {"1 FromAsCasing: 'as' and 'FROM' are not in the same case",
          "2 FromAsCasing: 'aS' and 'FROM' are not in the same case"}},
        {"FromAsCasingOfSmallLetters", "from x as a\nrun y\n", {}},
        {"NoEmptyContinuation",
         "FROM x\nRUN a \\\n\n  b\n",
         {"3 NoEmptyContinuation: blank line within RUN"}},
        {"CommentInContinuation", "FROM x\nRUN a \\\n# c\n  b\n", {}},
        {"ConsistentInstructionCasing",
         "FROM x\nrun a\nRUN b\nUser c\n",
         {"2 ConsistentInstructionCasing: 'run' is not in upper case as most instructions are",
          "4 ConsistentInstructionCasing: 'User' is not in upper case as most instructions are"}},
        {"ConsistentInstructionCasingOfSmallLetters",
         "from x\nrun a\nRUN b\n",
         {"3 ConsistentInstructionCasing: 'RUN' is not in lower case as most instructions are"}},
        {"DuplicateStageName",
         "FROM x AS a\nFROM y AS a\n",
         {"2 DuplicateStageName: an earlier stage is named 'a', too"}},
        {"ReservedStageName",
         "FROM x AS scratch\nFROM y AS context\n",
         {"1 ReservedStageName: 'scratch' is a reserved name and cannot be that of a stage",
          "2 ReservedStageName: 'context' is a reserved name and cannot be that of a stage"}},
        {"JSONArgsRecommended",
         "FROM x\nENTRYPOINT a b\nFROM x\nCMD c\nFROM x\nSHELL [\"/s\"]\nCMD c\n",
         {"2 JSONArgsRecommended: ENTRYPOINT in shell form: a shell stands between the program and "
          "the signals for it",
          "4 JSONArgsRecommended: CMD in shell form: a shell stands between the program and the "
          "signals for it"}},
        {"MaintainerDeprecated",
         "FROM x\nMAINTAINER me\n",
         {"2 MaintainerDeprecated: MAINTAINER is deprecated: use LABEL "
          "org.opencontainers.image.authors=..."}},
        {"UndefinedArgInFrom",
         "ARG VERSION=1\nFROM --platform=$BUILDPLATFORN x:$VERSOIN\nFROM y${Z:-1}\n",
         {"2 UndefinedArgInFrom: argument 'VERSOIN' of FROM is not declared (did you mean "
          "VERSION?)",
          "2 UndefinedArgInFrom: argument 'BUILDPLATFORN' of FROM is not declared (did you mean "
          "BUILDPLATFORM?)"}},
        {"WorkdirRelativePath",
         "FROM x AS a\nWORKDIR b\nWORKDIR /c\nWORKDIR d\nFROM a\nWORKDIR e\nFROM x\nWORKDIR "
         "C:\\\\f\n",
         {"2 WorkdirRelativePath: relative WORKDIR 'b' lies where the base image says"}},
        {"UndefinedVar",
         "FROM scratch\nARG A\nENV B=$A$C\nCOPY $foo ${D:-d} /\nLABEL x=\\$E y='$F' z=$F\n",
         {"3 UndefinedVar: variable '$C' is not defined",
          "4 UndefinedVar: variable '$foo' is not defined",
          "5 UndefinedVar: variable '$F' is not defined"}},
        {"UndefinedVarOnUnknownBase",
         "ARG VERSION=1\nFROM x\nARG BUILD_DIR\nENV A=$JAVA_HOME B=$VERSION C=$BUILDDIR D=$some\n",
         {"4 UndefinedVar: variable '$VERSION' is not defined (it is declared, but not above it in "
          "this stage)",
          "4 UndefinedVar: variable '$BUILDDIR' is not defined (did you mean BUILD_DIR?)",
          "4 UndefinedVar: variable '$some' is not defined"}},
        {"VariablesThatAreReckonedWith",
         "FROM x\nENV L=${L:+$L:}/a M=$M:/b\nENV N ${lower:-$l}\n",
         {"3 UndefinedVar: variable '$l' is not defined (did you mean L?)",
          "3 LegacyKeyValueFormat: write ENV key=value in place of ENV key value"}},
        {"UndefinedPlatform",
         "FROM x\nADD p-$TARGETARCH /\n",
         {"2 UndefinedVar: variable '$TARGETARCH' is not defined (it is declared, but not above it "
          "in this stage)"}},
        {"VariablesOfTheStageBelow",
         "FROM scratch AS a\nENV A=1\nARG B=2\nFROM a\nENV C=$A$B\n",
         {}},
        {"MultipleInstructionsDisallowed",
         "FROM x\nCMD [\"a\"]\nCMD [\"b\"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\nFROM x\nCMD "
         "[\"c\"]\n",
         {"2 MultipleInstructionsDisallowed: another CMD follows in this stage, and only the last "
          "one counts",
          "4 MultipleInstructionsDisallowed: another HEALTHCHECK follows in this stage, and only "
          "the last one counts"}},
        {"LegacyKeyValueFormat",
         "FROM x\nENV a b\nLABEL c d=e\nENV f=\"g h\"\n",
         {"2 LegacyKeyValueFormat: write ENV key=value in place of ENV key value",
          "3 LegacyKeyValueFormat: write LABEL key=value in place of LABEL key value"}},
        {"RedundantTargetPlatform",
         "FROM --platform=$TARGETPLATFORM x\n",
         {"1 RedundantTargetPlatform: --platform=$TARGETPLATFORM is the default"}},
        {"SecretsUsedInArgOrEnv",
         "FROM x\nARG API_TOKEN\nENV GPG_KEY=1 public_key=2 KEYBOARD=3 Password=4\n",
         {"2 SecretsUsedInArgOrEnv: ARG API_TOKEN looks like a secret: everybody sees it in the "
          "image's history; use RUN --mount=type=secret",
          "3 SecretsUsedInArgOrEnv: ENV GPG_KEY looks like a secret: everybody sees it in the "
          "image's history; use RUN --mount=type=secret",
          "3 SecretsUsedInArgOrEnv: ENV Password looks like a secret: everybody sees it in the "
          "image's history; use RUN --mount=type=secret"}},
        {"InvalidDefaultArgInFrom",
         "ARG BASE\nARG TAG\nFROM $BASE\nFROM x:${TAG}\nFROM x:${TAG:-1}\n",
         {"3 InvalidDefaultArgInFrom: without --build-arg, FROM $BASE is empty",
          "4 InvalidDefaultArgInFrom: without --build-arg, FROM x:${TAG} is 'x:', no image"}},
        {"FromPlatformFlagConstDisallowed",
         "FROM --platform=linux/arm64 x\nFROM --platform=linux/arm64 x AS go-linux-arm64\n",
         {"1 FromPlatformFlagConstDisallowed: --platform=linux/arm64 fixes the platform of this "
          "stage"}},
        {"InvalidDefinitionDescription",
         "# check=experimental=all\n# no name\nARG A\n\n# B good\nARG B\n# far\n\nFROM x AS c\n"
         "# d\nRUN e\n",
         {"3 InvalidDefinitionDescription: the comment above does not start with 'A': write `# A "
          "<text>`, or put a blank line below it"}},
        {"InvalidDefinitionDescriptionIsOffByDefault", "# no name\nARG A\nFROM x\n", {}},
        {"ExposeProtoCasing",
         "FROM x\nEXPOSE 80/TCP 90/udp\n",
         {"2 ExposeProtoCasing: protocol 'TCP' is not in lower case"}},
        {"ExposeInvalidFormat",
         "FROM x\nEXPOSE 8080:80 127.0.0.1:1:2 90\n",
         {"2 ExposeInvalidFormat: '127.0.0.1:1:2' has an address or a port of the host, which "
          "EXPOSE ignores",
          "2 ExposeInvalidFormat: '8080:80' has an address or a port of the host, which EXPOSE "
          "ignores"}},
        {"Skip",
         "# check=skip=StageNameCasing,legacykeyvalueformat\nFROM x AS A\nENV a b\nCMD c\n",
         {"4 JSONArgsRecommended: CMD in shell form: a shell stands between the program and the "
          "signals for it"}},
        {"SkipAll", "# check=skip=all;error=true\nFROM x AS A\nENV a b\n", {}},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(Lint, LooksAtBaseImagesThatAreAtHand) {
  Input input;
  input.base = [](const std::string& name) -> std::optional<BaseImage> {
    if (name == "java") return BaseImage{host_platform().str(), {"JAVA_HOME=/j"}};
    if (name == "alien") return BaseImage{"plan9/mips", {}};
    return std::nullopt;
  };
  EXPECT_EQ(findings("FROM java\nENV A=$JAVA_HOME B=$NODE_HOME\n", input),
            (Lines{"2 UndefinedVar: variable '$NODE_HOME' is not defined"}));
  EXPECT_EQ(
      findings("FROM --platform=$BUILDPLATFORM alien\nFROM --platform=plan9/mips alien AS "
               "plan9-mips\n",
               input),
      (Lines{fmt::format("1 InvalidBaseImagePlatform: image alien is for plan9/mips, not for {}",
                         host_platform().str())}));
}

TEST(Lint, LooksAtTheIgnoreFile) {
  auto ignored = dockerfile::IgnoreMatcher::parse("secret\n*.log\nd\n!d/kept\n");
  ASSERT_TRUE(ignored);
  Input input;
  input.left_out = [&](const std::string& path) { return ignored->may_prune(path); };
  EXPECT_EQ(findings("FROM x\nCOPY ./secret/ a.log d b /x/\nADD secret/*.c https://h/a.log /y/\n"
                     "COPY --from=o secret /z\nCOPY *.log /l/\n",
                     input),
            (Lines{"2 CopyIgnoredFile: COPY names './secret/', which .dockerignore leaves out",
                   "2 CopyIgnoredFile: COPY names 'a.log', which .dockerignore leaves out",
                   "3 CopyIgnoredFile: ADD names 'secret/*.c', which .dockerignore leaves out"}));
}

TEST(Lint, BuildArgsAreDefined) {
  Input input;
  input.build_args["BASE"] = "x";
  input.build_args["http_proxy"] = "p";
  EXPECT_EQ(findings("ARG BASE=y\nFROM $BASE\nENV A=$http_proxy\n", input), Lines{});
}

TEST(Settings, AreRead) {
  auto settings = parse_settings(" skip = DuplicateStageName , NoSuchRule ; error = true ");
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->error);
  EXPECT_EQ(settings->skip, (std::set<Rule>{Rule::DuplicateStageName}));
  EXPECT_FALSE(parse_settings("")->error);
  for (const char* bad : {"x", "skip", "what=1", "error=maybe"})
    EXPECT_EQ(parse_settings(bad).error().message(),
              fmt::format("invalid check option \"{}\"", bad));
}

TEST(RuleTable, HasNamesAndPages) {
  EXPECT_EQ(rule_url(Rule::JSONArgsRecommended),
            "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
  EXPECT_EQ(rule_url(Rule::StageNameCasing),
            "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/");
  for (int i = 0; i < kRules; i++) {
    auto rule = static_cast<Rule>(i);
    EXPECT_EQ(rule_by_name(rule_info(rule).name), rule);
    EXPECT_FALSE(rule_info(rule).description.empty());
  }
  EXPECT_EQ(rule_by_name("NoSuchRule"), std::nullopt);
}

TEST(Outline, TellsWhatATargetTakes) {
  auto file = parsed(
      "# GO of the compiler\nARG GO=1.22\nARG UNUSED=1 IMAGE=golang:$GO\nFROM ${IMAGE} AS base\n"
      "# builder compiles the program\nFROM base AS builder\n"
      "# TAGS for the compiler\nARG TAGS\nARG GO\n"
      "RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=netrc,required "
      "--mount=type=ssh make\n"
      "RUN --mount=type=cache,id=mods,target=/go --mount=type=secret,target=/run/secrets/netrc x\n"
      "FROM x AS other\nARG OTHER\nRUN --mount=type=secret,id=no y\n"
      "FROM scratch\nCOPY --from=builder /a /a\n");
  Input input;
  input.build_args["TAGS"] = "osuser";
  auto o = outline(file, 3, input);
  EXPECT_EQ(o.name, "");
  Lines args;
  for (const auto& arg : o.args)
    args.push_back(
        fmt::format("{} {}={} {}", arg.line, arg.name, arg.value.value_or("-"), arg.description));
  EXPECT_EQ(args, (Lines{"2 GO=1.22 of the compiler", "3 IMAGE=golang:1.22 ",
                         "8 TAGS=osuser for the compiler"}));
  ASSERT_EQ(o.secrets.size(), 1U);
  EXPECT_EQ(o.secrets[0].name, "netrc");
  EXPECT_TRUE(o.secrets[0].required);
  ASSERT_EQ(o.ssh.size(), 1U);
  EXPECT_EQ(o.ssh[0].name, "default");
  ASSERT_EQ(o.caches.size(), 2U);
  EXPECT_EQ(o.caches[0].id, "/root/.cache");
  EXPECT_EQ(o.caches[1].id, "mods");
  EXPECT_EQ(outline(file, 1, {}).description, "compiles the program");
  EXPECT_EQ(outline(file, 1, {}).args[2].value, std::nullopt);
}

TEST(Outline, ListsTargets) {
  auto list = targets(parsed("# A does it\nFROM --platform=$P x AS A\nFROM a\n"));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "a");
  EXPECT_EQ(list[0].description, "does it");
  EXPECT_EQ(list[0].platform, "$P");
  EXPECT_FALSE(list[0].is_default);
  EXPECT_TRUE(list[1].is_default);
  EXPECT_EQ(list[1].base, "a");
  EXPECT_EQ(list[1].line, 3);
}

}  // namespace
}  // namespace strata::lint

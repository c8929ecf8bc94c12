#include "dockerfile/parser.h"

#include <gtest/gtest.h>

#include <iterator>

namespace strata::dockerfile {
namespace {

using Words = std::vector<std::string>;
using RunStep = Run;  // within a TEST, Run is a member of testing::Test

Dockerfile parsed(std::string_view text) {
  auto file = parse(text, "Dockerfile");
  EXPECT_TRUE(file) << text << ": " << (file ? "" : file.error().message());
  return file ? *std::move(file) : Dockerfile();
}

// The one instruction behind FROM.
template <class T>
T only(std::string_view line) {
  const Dockerfile file = parsed("FROM x\n" + std::string(line));
  if (file.stages.size() != 1 || file.stages[0].instructions.size() != 1) {
    ADD_FAILURE() << line;
    return {};
  }
  const T* value = std::get_if<T>(&file.stages[0].instructions[0].value);
  EXPECT_NE(value, nullptr) << line;
  return value != nullptr ? *value : T();
}

std::string error_of(std::string_view text) {
  auto file = parse(text, "Dockerfile");
  EXPECT_FALSE(file) << text;
  if (file) return "";
  EXPECT_EQ(file.error().code(), ErrorCode::InvalidArgument);
  return file.error().message();
}

struct LineError {
  std::string line;
  std::string message;
};

TEST(Parser, ErrorsSayTheirLines) {
  auto span = [](std::string_view text) {
    LineSpan at;
    EXPECT_FALSE(parse(text, "Dockerfile", StageNames::Unique, &at)) << text;
    return std::pair(at.first, at.last);
  };
  EXPECT_EQ(span("FROM a\n\nFOO \\\n x\nRUN y\n"), std::pair(3, 4));
  EXPECT_EQ(span("FROM a\n# c\nENV A\n"), std::pair(3, 3));
  EXPECT_EQ(span("FROM a AS b\nFROM c AS B\n"), std::pair(2, 2));
  EXPECT_EQ(span("FROM a\nRUN <<EOF\nx\n"), std::pair(2, 3));
  EXPECT_EQ(span("ARG a\n"), std::pair(0, 0));
  EXPECT_EQ(span("# only\n"), std::pair(0, 0));
}

TEST(Parser, ErrorsOfTheWholeFile) {
  for (const LineError& c : std::vector<LineError>{
           {"", "the Dockerfile (Dockerfile) cannot be empty"},
           {"# only\n\n# comments\n", "failed to parse Dockerfile: file with no instructions"},
           {"\n", "failed to parse Dockerfile: file with no instructions"},
           {"RUN x\n", "no build stage in current context"},
           {"ARG A\n", "dockerfile contains no stages to build"},
           {"FROM a\n" + std::string(65536, 'x'),
            "failed to parse Dockerfile: dockerfile line greater than max allowed size of 65535"},
           {"# escape=x\nFROM a",
            "failed to parse Dockerfile: invalid escape token 'x' does not match ` or \\"},
           {"# escape=`\n# escape=`\nFROM a",
            "failed to parse Dockerfile: only one escape parser directive can be used"},
           {"#SYNTAX = a\n# syntax=b\nFROM a",
            "failed to parse Dockerfile: only one syntax parser directive can be used"},
           {"FROM a AS b\nFROM c AS B", "dockerfile parse error line 2: b stage name already used"},
           {"FROM a\nFOO x\nENV A\n", "failed to parse Dockerfile: ENV must have two arguments"},
           {"FROM a\nRUN <<EOF\nx\n", "failed to parse Dockerfile: unterminated heredoc"},
       })
    EXPECT_EQ(error_of(c.line), c.message) << c.line.substr(0, 80);
  EXPECT_EQ(parse("", "sub/My.Dockerfile").error().message(),
            "the Dockerfile (sub/My.Dockerfile) cannot be empty");
}

TEST(Parser, ErrorsInTheWordsOfALine) {
  for (const LineError& c : std::vector<LineError>{
           {"ENV A", "ENV must have two arguments"},
           {"LABEL A", "LABEL must have two arguments"},
           {"ENV A=1 B", "Syntax error - can't find = in \"B\". Must be of the form: name=value"},
           {"ENV A=${U:?msg here}",
            "Syntax error - can't find = in \"here}\". Must be of the form: name=value"},
           {"CMD [\"a\", 1]",
            "when using JSON array syntax, arrays must be comprised of strings only"},
           {"CMD [ \"echo\", [ \"x\" ] ]",
            "when using JSON array syntax, arrays must be comprised of strings only"},
           {"COPY [null, \"a\"]",
            "when using JSON array syntax, arrays must be comprised of strings only"},
           {"ONBUILD CMD [1]",
            "when using JSON array syntax, arrays must be comprised of strings only"},
       })
    EXPECT_EQ(error_of("FROM a\n" + c.line), "failed to parse Dockerfile: " + c.message) << c.line;
}

TEST(Parser, ErrorsOfInstructions) {
  for (const LineError& c : std::vector<LineError>{
           {"foo x", "unknown instruction: FOO"},
           {"COPY a",
            "COPY requires at least two arguments, but only one was provided. Destination could "
            "not "
            "be determined"},
           {"ADD",
            "ADD requires at least two arguments, but only one was provided. Destination could not "
            "be determined"},
           {"COPY --foo a b", "Unknown flag: foo"},
           {"COPY --chown a b", "Missing a value on flag: chown"},
           {"COPY --chown=a --chown=b a b", "Duplicate flag specified: chown"},
           {"COPY --link=no a b", "Expecting boolean value for flag link, not: no"},
           {"COPY --link= a b", "Missing a value on flag: link"},
           {"ADD --from=a b c", "Unknown flag: from"},
           {"USER --x y", "Unknown flag: x"},
           {"CMD --doit=true -- [ \"a\" ]", "Unknown flag: doit"},
           {"FROM bb x", "FROM requires either one or three arguments"},
           {"FROM bb is x", "FROM requires either one or three arguments"},
           {"FROM", "FROM requires either one or three arguments"},
           {"FROM bb AS 1x",
            "invalid name for build stage: \"1x\", name can't start with a number or contain "
            "symbols"},
           {"FROM bb AS a/b",
            "invalid name for build stage: \"a/b\", name can't start with a number or contain "
            "symbols"},
           {"ENV", "ENV requires at least one argument"},
           {"ENV \t ", "ENV requires at least one argument"},
           {"FROM \t", "FROM requires either one or three arguments"},
           {"COPY \t",
            "COPY requires at least two arguments, but only one was provided. "
            "Destination could not be determined"},
           {"LABEL", "LABEL requires at least one argument"},
           {"ARG", "ARG requires at least one argument"},
           {"EXPOSE \t", "EXPOSE requires at least one argument"},
           {"VOLUME", "VOLUME requires at least one argument"},
           {"VOLUME []", "VOLUME requires at least one argument"},
           {"SHELL", "SHELL requires at least one argument"},
           {"SHELL []", "SHELL requires at least one argument"},
           {"HEALTHCHECK", "HEALTHCHECK requires at least one argument"},
           {"ONBUILD", "ONBUILD requires at least one argument"},
           {"USER", "USER requires exactly one argument"},
           {"WORKDIR ", "WORKDIR requires exactly one argument"},
           {"MAINTAINER", "MAINTAINER requires exactly one argument"},
           {"STOPSIGNAL", "STOPSIGNAL requires exactly one argument"},
           {"ENV =1", "ENV names can not be blank"},
           {"LABEL a=1 =2", "LABEL names can not be blank"},
           {"ARG =x", "ARG names can not be blank"},
           {"SHELL /bin/sh -c", "SHELL requires the arguments to be in JSON form"},
           {"HEALTHCHECK foo x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"},
           {"HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"},
           {"HEALTHCHECK CMD []", "Missing command after HEALTHCHECK CMD"},
           {"HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"},
           {"HEALTHCHECK --interval=1us CMD x", "Interval \"interval\" cannot be less than 1ms"},
           {"HEALTHCHECK --start-period=-5s CMD x",
            "Interval \"start-period\" cannot be less than 1ms"},
           {"HEALTHCHECK --timeout=x CMD x", "time: invalid duration \"x\""},
           {"HEALTHCHECK --retries=0 CMD x", "--retries must be at least 1 (not 0)"},
           {"HEALTHCHECK --retries=x CMD x", "strconv.ParseInt: parsing \"x\": invalid syntax"},
           {"HEALTHCHECK --retries=9999999999 CMD x",
            "strconv.ParseInt: parsing \"9999999999\": value out of range"},
           {"ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
           {"ONBUILD from x", "FROM isn't allowed as an ONBUILD trigger"},
           {"ONBUILD MAINTAINER x", "MAINTAINER isn't allowed as an ONBUILD trigger"},
           {"VOLUME [\"\"]", "VOLUME specified can not be an empty string"},
           {"RUN --network=foo x", "invalid network mode \"foo\""},
           {"RUN --security=foo x", "security \"foo\" is not valid"},
           {"COPY <<EOF <<EOF2\na\nEOF\nb\nEOF2", "COPY cannot accept a heredoc as a destination"},
       })
    EXPECT_EQ(error_of("FROM a\n" + c.line), "dockerfile parse error line 2: " + c.message)
        << c.line;
}

TEST(Parser, CountsPhysicalLines) {
  EXPECT_EQ(error_of("\n# c\n\nFROM a\n\nRUN a \\\n# c\n  b\nFOO\n"),
            "dockerfile parse error line 9: unknown instruction: FOO");
  const Dockerfile file = parsed("\n# c\nFROM a\nRUN a \\\n# c\n b\nCOPY <<EOF /x\nf\nEOF\nUSER u");
  const auto& list = file.stages[0].instructions;
  EXPECT_EQ(file.stages[0].head.first_line, 3);
  EXPECT_EQ(list[0].first_line, 4);
  EXPECT_EQ(list[0].last_line, 6);
  EXPECT_EQ(list[1].first_line, 7);
  EXPECT_EQ(list[1].last_line, 9);
  EXPECT_EQ(list[2].first_line, 10);
}

TEST(Parser, JoinsLines) {
  struct Case {
    std::string text;
    std::string original;
  };
  for (const Case& c : std::vector<Case>{
           {"run  echo a", "run  echo a"},
           {"  RUN a  \t", "RUN a"},
           {"RUN a\\\nb", "RUN ab"},
           {"RUN a \\ \t\n  b", "RUN a   b"},
           {"RUN a \\\\\nUSER u", "RUN a \\\\"},
           {"RUN a \\\\\\\nUSER u", "RUN a \\\\\\"},
           {"RUN a \\\n# gone\n  # gone too\n b", "RUN a  b"},
           {"RUN a \\", "RUN a"},
           {"RUN a \\\n", "RUN a"},
           {"RUN a # kept", "RUN a # kept"},
           {"RUN echo \"  \\\n  foo  \"", "RUN echo \"    foo  \""},
           {"\\\nRUN a", "RUN a"},
           {"# comment \\\nRUN a", "RUN a"},
           {"\xC2\xA0RUN a\xE3\x80\x80", "RUN a"},
           {"RUN a\r\n", "RUN a"},
           {"RUN a \\\r\n b\r\n", "RUN a  b"},
       }) {
    const Dockerfile file = parsed("FROM x\n" + c.text);
    EXPECT_EQ(file.stages[0].instructions[0].original, c.original) << c.text;
  }
}

TEST(Parser, WarnsOfEmptyContinuationLines) {
  EXPECT_TRUE(parsed("FROM x\nRUN a \\\n# c\n b").warnings.empty());
  EXPECT_EQ(parsed("FROM x\nRUN a \\\n\n b\nRUN c \\\n \t\n d").warnings,
            (Words{"[WARNING]: Empty continuation line found in:", "    RUN a  b",
                   "[WARNING]: Empty continuation line found in:", "    RUN c  d",
                   "[WARNING]: Empty continuation lines will become errors in a future release."}));
}

TEST(Parser, Directives) {
  struct Case {
    std::string text;
    char escape;
  };
  for (const Case& c : std::vector<Case>{
           {"# escape=`\nFROM x", '`'},
           {"#ESCAPE =  ` \r\nFROM x", '`'},
           {"# syntax=a/b:1\n# check=skip=all\n  # Escape=`\nFROM x", '`'},
           {"# escape=\\\nFROM x", '\\'},
           {"# c\n# escape=`\nFROM x", '\\'},
           {"\n# escape=`\nFROM x", '\\'},
           {"# foo=bar\n# escape=`\nFROM x", '\\'},
           {"# escape=\n# escape=`\nFROM x", '\\'},
           {"FROM x\n# escape=`\n", '\\'},
           {"\xEF\xBB\xBF# escape=`\nFROM x", '`'},
       })
    EXPECT_EQ(parsed(c.text).escape, c.escape) << c.text;
  const Dockerfile file = parsed("# escape=`\nFROM x\nRUN a `\n b\nRUN c \\\nUSER u");
  EXPECT_EQ(file.stages[0].instructions.size(), 3U);
}

TEST(Parser, FromAndStages) {
  const Dockerfile file = parsed(
      "ARG A=1 B\nARG C\nFrOm --platform=$P image:$A aS Base\nRUN x\nFROM base\nFROM 0 as c-d_e.1");
  ASSERT_EQ(file.global_args.size(), 2U);
  EXPECT_EQ(std::get<Arg>(file.global_args[0].value).names,
            (std::vector<Arg::Name>{{"A", "1"}, {"B", std::nullopt}}));
  ASSERT_EQ(file.stages.size(), 3U);
  const From& from = file.stages[0].from();
  EXPECT_EQ(from.image, "image:$A");
  EXPECT_EQ(from.platform, "$P");
  EXPECT_EQ(from.stage_name, "base");
  EXPECT_EQ(file.stages[0].head.keyword, "FROM");
  EXPECT_EQ(file.stages[0].head.original, "FrOm --platform=$P image:$A aS Base");
  EXPECT_EQ(file.stages[0].instructions.size(), 1U);

  EXPECT_EQ(file.stage_by_name("BASE"), 0U);
  EXPECT_EQ(file.stage_by_name("0"), std::nullopt);
  EXPECT_EQ(file.stage_by_name(""), std::nullopt);
  EXPECT_EQ(file.find_stage("1"), 1U);
  EXPECT_EQ(file.find_stage("1", 1), std::nullopt);
  EXPECT_EQ(file.find_stage("c-d_e.1", 2), std::nullopt);
  EXPECT_EQ(file.find_stage("3"), std::nullopt);
  EXPECT_EQ(file.find_stage("-1"), std::nullopt);
  EXPECT_EQ(file.find_stage("99999999999999999999"), std::nullopt);
  EXPECT_EQ(*file.target_stage(""), 2U);
  EXPECT_EQ(*file.target_stage("Base"), 0U);
  EXPECT_EQ(file.target_stage("zz").error().message(),
            "failed to reach build target zz in Dockerfile");
}

TEST(Parser, ShellAndExecForm) {
  struct Case {
    std::string rest;
    Command command;
  };
  for (const Case& c : std::vector<Case>{
           {"echo $X 'a b'", {true, {"echo $X 'a b'"}}},
           {"", {true, {}}},
           {"[\"echo\", \"$X\"]", {false, {"echo", "$X"}}},
           {"  [ \"a\" ,\t\"b\" ] ", {false, {"a", "b"}}},
           {"[]", {false, {}}},
           {"[\"\\/usr\\u00e9\\ud83d\\ude00\\ud800\"]", {false, {"/usré😀\uFFFD"}}},
           {"[\"\\\"\\\\\\b\\f\\n\\r\\t\"]", {false, {"\"\\\b\f\n\r\t"}}},
           {"['a']", {true, {"['a']"}}},
           {"[\"a\"", {true, {"[\"a\""}}},
           {"[\"a\",]", {true, {"[\"a\",]"}}},
           {"[\"a\"] x", {true, {"[\"a\"] x"}}},
           {"[ -f x ] && y", {true, {"[ -f x ] && y"}}},
           {"[\"\\x\"]", {true, {"[\"\\x\"]"}}},
           {"[01]", {true, {"[01]"}}},
           {"'[\"echo\"]'", {true, {"'[\"echo\"]'"}}},
           {"[1.e3]", {true, {"[1.e3]"}}},
       }) {
    EXPECT_EQ(only<Cmd>("CMD " + c.rest).command, c.command) << c.rest;
    EXPECT_EQ(only<RunStep>("RUN " + c.rest).command, c.command) << c.rest;
    EXPECT_EQ(only<Entrypoint>("ENTRYPOINT " + c.rest).command, c.command) << c.rest;
  }
  EXPECT_EQ(only<Shell>("SHELL [\"a\",\"-c\"]").words, (Words{"a", "-c"}));
  const std::string deep = "CMD " + std::string(100'000, '[');
  EXPECT_TRUE(only<Cmd>(deep.substr(0, 60'000)).command.shell_form);
}

TEST(Parser, RunFlags) {
  const RunStep run = only<RunStep>(
      "RUN --mount=type=cache,target=/x --mount=type=ssh --network=none --security=insecure "
      "--device=a --device=b -- --mount=x make");
  EXPECT_EQ(run.mounts, (Words{"type=cache,target=/x", "type=ssh"}));
  EXPECT_EQ(run.network, "none");
  EXPECT_EQ(run.security, "insecure");
  EXPECT_EQ(run.devices, (Words{"a", "b"}));
  EXPECT_EQ(run.command.words, (Words{"--mount=x make"}));
  EXPECT_EQ(only<RunStep>("RUN --mount='type=cache,id=a b' x").mounts,
            (Words{"type=cache,id=a b"}));
  EXPECT_EQ(only<RunStep>("RUN --mount=a\\ b x").mounts, (Words{"a b"}));
}

TEST(Parser, CopyAndAdd) {
  const Copy copy = only<Copy>(
      "COPY --from=b --chown=1:2 --chmod=0644 --link --parents=FALSE --exclude=*.md --exclude=x a  "
      "--chown=1 b/ ./");
  EXPECT_EQ(copy.sources, (Words{"a", "--chown=1", "b/"}));
  EXPECT_EQ(copy.destination, "./");
  EXPECT_EQ(copy.from, "b");
  EXPECT_EQ(copy.chown, "1:2");
  EXPECT_EQ(copy.chmod, "0644");
  EXPECT_TRUE(copy.link);
  EXPECT_FALSE(copy.parents);
  EXPECT_EQ(copy.exclude, (Words{"*.md", "x"}));
  EXPECT_EQ(only<Copy>("COPY -- a /x").sources, (Words{"a"}));
  EXPECT_EQ(only<Copy>("COPY -x /y").sources, (Words{"-x"}));
  EXPECT_EQ(only<Copy>("COPY \"a b\" /y").sources, (Words{"\"a", "b\""}));
  EXPECT_EQ(only<Copy>("COPY [\"a b\", \"/x\"]").sources, (Words{"a b"}));

  const Add add = only<Add>("ADD --keep-git-dir --checksum=sha256:1 --unpack=false u /x");
  EXPECT_EQ(add.keep_git_dir, true);
  EXPECT_EQ(add.unpack, false);
  EXPECT_EQ(add.checksum, "sha256:1");
  EXPECT_EQ(only<Add>("ADD a b").unpack, std::nullopt);
}

TEST(Parser, Pairs) {
  using Pairs = std::vector<KeyValue>;
  struct Case {
    std::string rest;
    Pairs pairs;
  };
  for (const Case& c : std::vector<Case>{
           {"P one \"two\"", {{"P", "one \"two\""}}},
           {"P\t  v  ", {{"P", "v"}}},
           {"A path\\", {{"A", "path"}}},
           {"C trailing\\\\backslash\\\\", {{"C", "trailing\\\\backslash\\\\"}}},
           {"E hello\\\n\\\nworld", {{"E", "helloworld"}}},
           {"E hello\\\n \\\nworld", {{"E", "hello world"}}},
           {"L= M=\"\"", {{"L", ""}, {"M", "\"\""}}},
           {"K=a=b=c", {{"K", "a=b=c"}}},
           {"\"com.x/a\"=\"b c\"", {{"\"com.x/a\"", "\"b c\""}}},
           {"name='a\\'b''", {{"name", "'a\\'b''"}}},
           {"A=\"q q\" B='s $A' C=e\\ f D=\"x\\\"y\"",
            {{"A", "\"q q\""}, {"B", "'s $A'"}, {"C", "e\\ f"}, {"D", "\"x\\\"y\""}}},
           {"A=b\\", {{"A", "b"}}},
           {"A=b\xE3\x80\x80"
            "C=d",
            {{"A", "b"}, {"C", "d"}}},
       }) {
    EXPECT_EQ(only<Env>("ENV " + c.rest).variables, c.pairs) << c.rest;
    EXPECT_EQ(only<Label>("LABEL " + c.rest).labels, c.pairs) << c.rest;
  }
  using Names = std::vector<Arg::Name>;
  EXPECT_EQ(only<Arg>("ARG abc=\"123 456\" def").names,
            (Names{{"abc", "\"123 456\""}, {"def", std::nullopt}}));
  EXPECT_EQ(only<Arg>("ARG foo= b=''").names, (Names{{"foo", ""}, {"b", "''"}}));
}

TEST(Parser, SimpleInstructions) {
  EXPECT_EQ(only<User>("USER a b").user, "a b");
  EXPECT_EQ(only<Workdir>("WORKDIR  /a \"b\" ").path, "/a \"b\"");
  EXPECT_EQ(only<Maintainer>("MAINTAINER 123 $x").name, "123 $x");
  EXPECT_EQ(only<StopSignal>("STOPSIGNAL SIGRTMIN+3").signal, "SIGRTMIN+3");
  EXPECT_EQ(only<Expose>("EXPOSE 9 80 443/UDP").ports, (Words{"443/UDP", "80", "9"}));
  EXPECT_EQ(only<Volume>("VOLUME /test /test2").paths, (Words{"/test", "/test2"}));
  EXPECT_EQ(only<Volume>("VOLUME [\"/a\",\"/b \"]").paths, (Words{"/a", "/b"}));
}

TEST(Parser, Healthcheck) {
  const Healthcheck check = only<Healthcheck>(
      "HEALTHCHECK --interval=1h5m --timeout=500ms --start-period=0 --start-interval=2s "
      "--retries=3 cmd curl --retries=9 x");
  EXPECT_FALSE(check.none);
  EXPECT_EQ(check.command, (Command{true, {"curl --retries=9 x"}}));
  EXPECT_EQ(check.interval_ns, 3'900'000'000'000);
  EXPECT_EQ(check.timeout_ns, 500'000'000);
  EXPECT_EQ(check.start_period_ns, 0);
  EXPECT_EQ(check.start_interval_ns, 2'000'000'000);
  EXPECT_EQ(check.retries, 3);
  EXPECT_EQ(only<Healthcheck>("HEALTHCHECK CMD [\"a\",\"b\"]").command,
            (Command{false, {"a", "b"}}));
  EXPECT_TRUE(only<Healthcheck>("HEALTHCHECK none").none);
}

TEST(Parser, HeredocsOfRun) {
  RunStep run = only<RunStep>("RUN <<EOF\n  a\n# kept\n\nb \\\nEOF\n");
  EXPECT_EQ(run.command, (Command{true, {"  a\n# kept\n\nb \\\n"}}));
  EXPECT_FALSE(run.script);
  run = only<RunStep>("RUN <<-'E F'\n#!/bin/a\n\t\tb\n\tE F\n");
  EXPECT_TRUE(run.script);
  EXPECT_EQ(run.heredocs, (std::vector<Heredoc>{{"E F", "#!/bin/a\nb\n", false}}));
  run = only<RunStep>("RUN <<EOF python3\nx\nEOF\n");
  EXPECT_EQ(run.command.words[0], "<<EOF python3\nx\nEOF");
  run = only<RunStep>("RUN cat <<A 3<<B && x\nB\nA\nb\nB\n");
  EXPECT_EQ(run.command.words[0], "cat <<A 3<<B && x\nB\nA\nb\nB");
  run = only<RunStep>("RUN cat << $EOF\nx\n$EOF\n");
  EXPECT_EQ(run.heredocs[0].name, "$EOF");
  for (const std::string line :
       {"echo \"<<X\"", "echo '<<X'", "cat <<<X", "echo a<<X", "echo it's <<X", "echo $((1<<2))",
        "echo <<", "[\"<<EOF\"]", "echo \\<<X"}) {
    EXPECT_TRUE(only<RunStep>("RUN " + line).heredocs.empty()) << line;
  }
}

TEST(Parser, HeredocsDoNotStandInFlags) {
  const Dockerfile file = parsed("# escape=`\nFROM x\nRUN --mount=a` <<EOF\nUSER u");
  const auto& run = std::get<RunStep>(file.stages[0].instructions[0].value);
  EXPECT_EQ(run.mounts, (Words{"a <<EOF"}));
  EXPECT_TRUE(run.heredocs.empty());
}

TEST(Parser, HeredocsOfCopy) {
  Copy copy = only<Copy>("COPY <<one a <<\"two\" /x/\n$A\none\n\\$B\r\ntwo\n");
  EXPECT_EQ(copy.sources, (Words{"a"}));
  EXPECT_EQ(copy.destination, "/x/");
  EXPECT_EQ(copy.heredocs,
            (std::vector<Heredoc>{{"one", "$A\n", true}, {"two", "\\$B\r\n", false}}));
  EXPECT_EQ(only<Add>("ADD <<e /x\ne").heredocs[0].body, "");
  EXPECT_EQ(only<Copy>("COPY [\"<<EOF\", \"/x\"]").sources, (Words{"<<EOF"}));
}

TEST(Parser, Triggers) {
  EXPECT_EQ(only<OnBuild>("onbuild   run echo  a\t").trigger, "run echo  a\t");
  EXPECT_EQ(only<OnBuild>("ONBUILD FOO x").trigger, "FOO x");
  EXPECT_EQ(only<OnBuild>("ONBUILD RUN <<-E\n\ta\n\tE").trigger, "RUN <<-E\n\ta\nE");
  auto run = parse_trigger("RUN <<-E\n\ta\nE");
  ASSERT_TRUE(run);
  EXPECT_EQ(std::get<RunStep>(run->value).command.words, (Words{"a\n"}));
  EXPECT_EQ(run->original, "RUN <<-E");
  struct Case {
    std::string trigger;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"FOO x", "unknown instruction: FOO"},
           {"", "file with no instructions"},
           {"RUN a\nRUN b", "onbuild trigger should be a single expression"},
           {"FROM a", "FROM isn't allowed as an ONBUILD trigger"},
           {"ONBUILD RUN a", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
           {"ENV A", "ENV must have two arguments"},
       })
    EXPECT_EQ(parse_trigger(c.trigger).error().message(), c.message) << c.trigger;
  // Nesting costs nothing.
  std::string nested;
  for (int i = 0; i < 8000; i++) nested += "ONBUILD ";
  EXPECT_EQ(error_of("FROM a\n" + nested),
            "dockerfile parse error line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
}

}  // namespace
}  // namespace strata::dockerfile

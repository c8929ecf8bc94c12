#include "cli/command.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/docs.h"
#include "cli/help.h"

namespace strata::cli {
namespace {

struct BuildOptions {
  std::vector<std::string> tags;
  std::string file;
  bool quiet = false;
  bool rm = true;
  bool squash = false;
};
void build_flags(FlagSet& f, BuildOptions& o) {
  f.add(o.tags, "tag", 't', "Name and optionally a tag in the\n'name:tag' format");
  f.add(o.file, "file", 'f', "Name of the Dockerfile (Default is 'PATH/Dockerfile')");
  f.add(o.quiet, "quiet", 'q', "Suppress the build output and print image ID on success");
  f.add(o.rm, "rm", 0, "Remove intermediate containers after a successful build");
  f.add(o.squash, "squash", 0, "Squash").hidden();
}
Result<int> run_build(BuildOptions& o, Call& call) {
  fmt::print(call.out, "build {} tags={} root={}\n", call.args[0], o.tags.size(),
             call.globals.root);
  return o.quiet ? 3 : 0;
}
Result<int> run_fail(Call& call) {
  return Error(ErrorCode::NotFound, "No such image: " + call.args[0] + ":latest");
}
struct RunOptions {
  std::string hostname;
};
void run_flags(FlagSet& f, RunOptions& o) {
  f.stop_at_first_operand();
  f.add(o.hostname, "hostname", 'h', "Container host name");
}
Result<int> run_run(RunOptions&, Call& call) {
  for (const std::string& arg : call.args) fmt::print(call.out, "{} ", arg);
  return 0;
}

const Command kCommands[] = {
    {.path = "image", .summary = "Manage images"},
    {.path = "image ls",
     .aliases = "list",
     .operands = "[OPTIONS] [REPOSITORY[:TAG]]",
     .summary = "List images",
     .arity = at_most(1),
     .make = action<run_fail>},
    {.path = "image rm",
     .aliases = "rmi remove",
     .operands = "[OPTIONS] IMAGE [IMAGE...]",
     .summary = "Remove one or more images",
     .arity = at_least(1),
     .make = action<run_fail>},
    {.path = "images",
     .operands = "[OPTIONS] [REPOSITORY[:TAG]]",
     .summary = "List images",
     .arity = at_most(1),
     .make = action<run_fail>},
    {.path = "build",
     .operands = "[OPTIONS] PATH | URL | -",
     .summary = "Build an image from a Dockerfile",
     .arity = exactly(1),
     .make = action<BuildOptions, build_flags, run_build>},
    {.path = "run",
     .operands = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     .summary = "Run a command in a new container",
     .arity = at_least(1),
     .make = action<RunOptions, run_flags, run_run>},
    {.path = "info",
     .operands = "[OPTIONS]",
     .summary = "Display system-wide information",
     .arity = no_operands(),
     .make = action<run_fail>},
    {.path = "two",
     .operands = "A B [C]",
     .summary = "Two or three",
     .arity = between(2, 3),
     .make = action<run_fail>},
    {.path = "__secret", .summary = "Hidden", .make = action<run_fail>, .hidden = true},
};
const Program kProgram = {
    .summary = "A self-sufficient runtime", .version = "version 1", .commands = kCommands};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome run_words(const std::vector<std::string>& args) {
  Outcome o;
  char* text[2] = {nullptr, nullptr};
  std::size_t size[2] = {0, 0};
  std::FILE* out = open_memstream(&text[0], &size[0]);
  std::FILE* err = open_memstream(&text[1], &size[1]);
  o.status = run(kProgram, args, out, err);
  std::fclose(out);
  std::fclose(err);
  o.out.assign(text[0], size[0]);
  o.err.assign(text[1], size[1]);
  std::free(text[0]);
  std::free(text[1]);
  return o;
}

struct RefusalCase {
  const char* name;
  std::vector<std::string> args;
  int status;
  const char* err;
};
class Refusal : public testing::TestWithParam<RefusalCase> {};
TEST_P(Refusal, IsDockers) {
  const Outcome o = run_words(GetParam().args);
  EXPECT_EQ(o.status, GetParam().status);
  EXPECT_EQ(o.err, GetParam().err);
  EXPECT_EQ(o.out, "");
}
INSTANTIATE_TEST_SUITE_P(
    Cases, Refusal,
    testing::ValuesIn(std::vector<RefusalCase>{
        {"UnknownFlag",
         {"build", "--nope"},
         125,
         "unknown flag: --nope\nSee 'strata build --help'.\n"},
        {"UnknownFlagNested",
         {"image", "ls", "-Z"},
         125,
         "unknown shorthand flag: 'Z' in -Z\nSee 'strata image ls --help'.\n"},
        {"TooFew",
         {"build"},
         1,
         "\"strata build\" requires exactly 1 argument.\nSee 'strata build --help'.\n\n"
         "Usage:  strata build [OPTIONS] PATH | URL | -\n\nBuild an image from a Dockerfile\n"},
        {"TooMany",
         {"images", "a", "b"},
         1,
         "\"strata images\" requires at most 1 argument.\nSee 'strata images --help'.\n\n"
         "Usage:  strata images [OPTIONS] [REPOSITORY[:TAG]]\n\nList images\n"},
        {"AtLeast",
         {"image", "remove"},
         1,
         "\"strata image rm\" requires at least 1 argument.\nSee 'strata image rm --help'.\n\n"
         "Usage:  strata image rm [OPTIONS] IMAGE [IMAGE...]\n\nRemove one or more images\n"},
        {"None",
         {"info", "x"},
         1,
         "\"strata info\" accepts no arguments.\nSee 'strata info --help'.\n\n"
         "Usage:  strata info [OPTIONS]\n\nDisplay system-wide information\n"},
        {"Between",
         {"two", "a"},
         1,
         "\"strata two\" requires at least 2 and at most 3 arguments.\nSee 'strata two --help'.\n\n"
         "Usage:  strata two A B [C]\n\nTwo or three\n"},
        {"UnknownCommand",
         {"foo", "-q"},
         1,
         "strata: 'foo' is not a strata command.\nSee 'strata --help'\n"},
        {"UnknownTopic", {"help", "image", "foo"}, 1, "unknown help topic: foo\n"},
        {"Failure", {"images", "x"}, 1, "No such image: x:latest\n"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

constexpr const char* kBuildHelp = R"(
Usage:  strata build [OPTIONS] PATH | URL | -

Build an image from a Dockerfile

Options:
  -f, --file string   Name of the Dockerfile (Default is 'PATH/Dockerfile')
  -q, --quiet         Suppress the build output and print image ID on success
      --rm            Remove intermediate containers after a successful
                      build (default true)
  -t, --tag list      Name and optionally a tag in the
                      'name:tag' format
)";

constexpr const char* kImageHelp = R"(
Usage:  strata image COMMAND

Manage images

Commands:
  ls          List images
  rm          Remove one or more images

Run 'strata image COMMAND --help' for more information on a command.
)";

TEST(Help, OfACommand) {
  EXPECT_EQ(command_help(kProgram, kCommands[4]), kBuildHelp);
  for (const auto& args : std::vector<std::vector<std::string>>{{"build", "--help"},
                                                                {"build", "a", "b", "--help"},
                                                                {"--help", "build"},
                                                                {"help", "build"}}) {
    const Outcome o = run_words(args);
    EXPECT_EQ(o.status, 0);
    EXPECT_TRUE(o.out.starts_with("\nUsage:  strata build")) << o.out;
  }
  EXPECT_TRUE(run_words({"build", "-h"})
                  .out.starts_with("Flag shorthand -h has been deprecated, please use --help\n"));
  EXPECT_EQ(run_words({"run", "-h"}).err,
            "flag needs an argument: 'h' in -h\nSee 'strata run --help'.\n");
}

TEST(Help, NamesAliases) {
  EXPECT_EQ(command_help(kProgram, kCommands[2]),
            "\nUsage:  strata image rm [OPTIONS] IMAGE [IMAGE...]\n\nRemove one or more images\n\n"
            "Aliases:\n  rm, rmi, remove\n");
}

TEST(Help, OfAGroup) {
  EXPECT_EQ(run_words({"image", "--help"}).out, kImageHelp);
  const Outcome bare = run_words({"image"});
  EXPECT_EQ(bare.status, 0);
  EXPECT_EQ(bare.err, kImageHelp);
  const Outcome unknown = run_words({"image", "foo"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_EQ(unknown.err, kImageHelp);
  const Outcome flag = run_words({"image", "-Z"});
  EXPECT_EQ(flag.status, 125);
  EXPECT_EQ(flag.err,
            std::string("unknown shorthand flag: 'Z' in -Z\nSee 'strata image --help'.\n") +
                kImageHelp + "\n");
}

TEST(Help, OfTheProgram) {
  const std::string help = program_help(kProgram);
  EXPECT_TRUE(
      help.starts_with("\nUsage:  strata [OPTIONS] COMMAND\n\nA self-sufficient runtime\n\n"
                       "Options:\n  -D, --debug"))
      << help;
  EXPECT_NE(help.find("\nManagement Commands:\n  image       Manage images\n\nCommands:\n"
                      "  build       Build an image from a Dockerfile\n"),
            std::string::npos)
      << help;
  EXPECT_EQ(help.find("__secret"), std::string::npos);
  EXPECT_EQ(run_words({}).err, help);
  EXPECT_EQ(run_words({"--help"}).out, help);
  EXPECT_EQ(run_words({"--nope"}).err,
            "unknown flag: --nope\nSee 'strata --help'.\n" + help + "\n");
}

struct WrapCase {
  const char* name;
  int columns;
  const char* lines;
};
class FlagLines : public testing::TestWithParam<WrapCase> {};

// `docker ps --help` on terminals of these widths.
TEST_P(FlagLines, WrapAsDockers) {
  bool yes = false;
  std::vector<std::string> filter;
  std::int64_t last = -1;
  FlagSet flags;
  flags.add(yes, "all", 'a', "Show all containers (default shows just running)");
  flags.add(filter, "filter", 'f', "Filter output based on conditions provided").type("filter");
  flags.add(last, "last", 'n', "Show n last created containers (includes all states)");
  EXPECT_EQ(flag_lines(flags, GetParam().columns), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FlagLines,
    testing::ValuesIn(std::vector<WrapCase>{
        {"Wide", 80,
         "  -a, --all             Show all containers (default shows just running)\n"
         "  -f, --filter filter   Filter output based on conditions provided\n"
         "  -n, --last int        Show n last created containers (includes all\n"
         "                        states) (default -1)\n"},
        {"Narrow", 50,
         "  -a, --all             Show all containers\n"
         "                        (default shows just\n"
         "                        running)\n"
         "  -f, --filter filter   Filter output based\n"
         "                        on conditions provided\n"
         "  -n, --last int        Show n last created\n"
         "                        containers\n"
         "                        (includes all\n"
         "                        states) (default -1)\n"},
        {"TextBelow", 42,
         "  -a, --all             \n"
         "                Show all containers\n"
         "                (default shows just\n"
         "                running)\n"
         "  -f, --filter filter   \n"
         "                Filter output based\n"
         "                on conditions provided\n"
         "  -n, --last int        \n"
         "                Show n last created\n"
         "                containers\n"
         "                (includes all\n"
         "                states) (default -1)\n"},
        {"TooNarrowToWrap", 36,
         "  -a, --all             Show all containers (default shows just running)\n"
         "  -f, --filter filter   Filter output based on conditions provided\n"
         "  -n, --last int        Show n last created containers (includes all states) "
         "(default -1)\n"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(Run, TakesDockersFlagsForItsDaemon) {
  for (const auto& flags : std::vector<std::vector<std::string>>{
           {"-H", "unix:///var/run/docker.sock"},
           {"--host="},
           {"-c", "default"},
           {"--context=default"},
           {"--config", "/nonexistent"},
           {"-l", "debug"},
           {"--log-level=WARN"},
           {"-D", "--tls", "--tlsverify=false", "--tlscacert", "x", "--tlscert=y", "--tlskey=z"},
       }) {
    auto words = flags;
    for (const char* word : {"--root", "/x", "build", "."}) words.emplace_back(word);
    auto done = run_words(words);
    EXPECT_EQ(done.out, "build . tags=0 root=/x\n") << flags[0];
    EXPECT_EQ(done.err, "") << flags[0];
  }
}

TEST(Run, RefusesAnotherDaemon) {
  struct Case {
    std::vector<std::string> flags;
    const char* message;
  };
  for (const auto& [flags, message] : std::vector<Case>{
           {{"-H", "tcp://other:2375"},
            "--host tcp://other:2375: there is no daemon to connect to; this machine's store is "
            "used, see --root\n"},
           {{"-H", "x", "-H", "y"},
            "unable to resolve docker endpoint: Please specify only one -H\n"},
           {{"-c", "nope"}, "unable to resolve docker endpoint: context \"nope\" does not exist\n"},
           {{"-c", "default", "-H", "x"},
            "Conflicting options: either specify --host or --context, not both\n"},
           {{"-l", "bogus"}, "Unable to parse logging level: bogus\n"},
       }) {
    auto words = flags;
    for (const char* word : {"build", "."}) words.emplace_back(word);
    auto done = run_words(words);
    EXPECT_EQ(done.status, 1);
    EXPECT_EQ(done.out, "");
    EXPECT_EQ(done.err, message);
  }
}

TEST(Run, PassesOptionsOperandsAndGlobals) {
  unsetenv("STRATA_ROOT");
  EXPECT_EQ(run_words({"build", "-t", "a", ".", "--tag=b"}).out,
            "build . tags=2 root=/var/lib/strata\n");
  EXPECT_EQ(run_words({"build", "-q", "."}).status, 3);
  EXPECT_EQ(run_words({"--root", "/x", "build", "."}).out, "build . tags=0 root=/x\n");
  setenv("STRATA_ROOT", "/env", 1);
  EXPECT_EQ(run_words({"build", "."}).out, "build . tags=0 root=/env\n");
  EXPECT_EQ(run_words({"--root=/x", "build", "."}).out, "build . tags=0 root=/x\n");
  unsetenv("STRATA_ROOT");
}

TEST(Run, LeavesTheFlagsBehindTheFirstOperandAlone) {
  EXPECT_EQ(run_words({"run", "-h", "x", "img", "sh", "-c", "--nope"}).out, "img sh -c --nope ");
}

TEST(Run, ShowsTheVersionOnlyWithoutACommand) {
  EXPECT_EQ(run_words({"-v"}).out, "strata version 1\n");
  EXPECT_EQ(run_words({"-v", "build", "."}).out, "build . tags=0 root=/var/lib/strata\n");
}

TEST(Run, FindsAliases) {
  EXPECT_EQ(run_words({"image", "list", "x"}).err, "No such image: x:latest\n");
  const std::vector<std::string> words = {"image", "rmi"};
  EXPECT_EQ(find_command(kProgram, words), &kCommands[2]);
}

TEST(ManPage, SaysWhatTheTableSays) {
  EXPECT_EQ(man_page(kProgram, kCommands[4]),
            R"(.TH STRATA\-BUILD 1 "" "strata version 1" "strata manual"
.SH NAME
strata\-build \- Build an image from a Dockerfile
.SH SYNOPSIS
\fBstrata build\fR [\fIOPTIONS\fR] \fIPATH\fR | \fIURL\fR | \-
.SH DESCRIPTION
Build an image from a Dockerfile.
.SH OPTIONS
.TP
\fB\-f\fR, \fB\-\-file\fR \fIstring\fR
Name of the Dockerfile (Default is 'PATH/Dockerfile')
.TP
\fB\-\-help\fR
Print usage
.TP
\fB\-q\fR, \fB\-\-quiet\fR
Suppress the build output and print image ID on success
.TP
\fB\-\-rm\fR
Remove intermediate containers after a successful build (default true)
.TP
\fB\-t\fR, \fB\-\-tag\fR \fIlist\fR
Name and optionally a tag in the
.br
\&'name:tag' format
.SH EXIT STATUS
.TP
0
Success.
.TP
1
The command failed; one line on the standard error output says what, where and why.
.TP
125
The options could not be understood.
.SH ENVIRONMENT
.TP
STRATA_ROOT
Directory of the store, if \fB\-\-root\fR does not say.
.TP
NO_COLOR
If not empty, output has no colours.
.SH FILES
.TP
/var/lib/strata
The store: images, layers and containers, laid out as dockerd's own data\-root with the overlay2 driver. What strata adds to it is below \fIstrata/\fR.
.SH SEE ALSO
\fBstrata\fR(1)
)");
}

TEST(Completion, IsMadeForThreeShells) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion_script(kProgram, shell);
    ASSERT_TRUE(script);
    EXPECT_NE(script->find("image rmi"), std::string::npos) << shell;
    EXPECT_EQ(script->find("__secret"), std::string::npos) << shell;
    EXPECT_EQ(script->find("squash"), std::string::npos) << shell;
  }
  EXPECT_FALSE(completion_script(kProgram, "csh"));
}

}  // namespace
}  // namespace strata::cli

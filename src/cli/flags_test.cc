#include "cli/flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::cli {
namespace {

struct Values {
  bool quiet = false;
  bool rm = true;
  std::string file;
  std::vector<std::string> tags;
  std::vector<std::string> caches;
  std::int64_t time = 10;
  std::optional<std::string> entrypoint;
  bool interactive = false;
  bool tty = false;
  bool old = false;
};

void add_flags(FlagSet& f, Values& v) {
  f.add(v.quiet, "quiet", 'q', "");
  f.add(v.rm, "rm", 0, "");
  f.add(v.file, "file", 'f', "");
  f.add(v.tags, "tag", 't', "");
  f.add_csv(v.caches, "cache-from", 0, "");
  f.add(v.time, "time", 's', "");
  f.add(v.entrypoint, "entrypoint", 0, "");
  f.add(v.interactive, "interactive", 'i', "");
  f.add(v.tty, "tty", 'y', "");
  f.add(v.old, "old", 0, "").deprecated("use --new");
}

std::string show(const Values& v, const ParsedFlags& p) {
  std::string out;
  const auto list = [&](const char* name, const std::vector<std::string>& items) {
    for (const std::string& item : items) out += std::string(name) + "=" + item + " ";
  };
  if (v.quiet) out += "quiet ";
  if (!v.rm) out += "!rm ";
  if (!v.file.empty()) out += "file=" + v.file + " ";
  list("tag", v.tags);
  list("cache", v.caches);
  if (v.time != 10) out += "time=" + std::to_string(v.time) + " ";
  if (v.entrypoint) out += "entrypoint=" + *v.entrypoint + " ";
  if (v.interactive) out += "i ";
  if (v.tty) out += "y ";
  if (p.help) out += "help ";
  if (p.short_help) out += "-h ";
  list("note", p.notices);
  out += "|";
  for (const std::string& o : p.operands) out += " " + o;
  return out;
}

struct FlagCase {
  const char* name;
  std::vector<std::string> args;
  const char* expected;  // what was set | operands, or the error
  bool interspersed = true;
};
class FlagParse : public testing::TestWithParam<FlagCase> {};

TEST_P(FlagParse, AsPflag) {
  Values v;
  FlagSet flags;
  add_flags(flags, v);
  if (!GetParam().interspersed) flags.stop_at_first_operand();
  const auto parsed = flags.parse(GetParam().args);
  EXPECT_EQ(parsed ? show(v, *parsed) : parsed.error().message(), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FlagParse,
    testing::ValuesIn(std::vector<FlagCase>{
        {"Nothing", {}, "|"},
        {"LongWithBlank", {"--file", "a", "."}, "file=a | ."},
        {"LongWithEquals", {"--file=a=b", "."}, "file=a=b | ."},
        {"LongEmptyValue", {"--file=", "--entrypoint="}, "entrypoint= |"},
        {"ShortWithBlank", {"-f", "a"}, "file=a |"},
        {"ShortAttached", {"-fa"}, "file=a |"},
        {"ShortWithEquals", {"-f=a"}, "file=a |"},
        {"ShortEqualsAlone", {"-f="}, "file== |"},
        {"ShortsTogether", {"-iy"}, "i y |"},
        {"ShortsThenValue", {"-iyfx"}, "file=x i y |"},
        {"ShortTakesWhatLooksLikeAFlag", {"-f", "-q"}, "file=-q |"},
        {"BoolFalse", {"--rm=false", "-q=0"}, "!rm |"},
        {"BoolTakesNoNextWord", {"--quiet", "false"}, "quiet | false"},
        {"Repeated", {"-t", "a", "--tag=b,c"}, "tag=a tag=b,c |"},
        {"Csv", {"--cache-from", "a,\"b,c\"", "--cache-from=d"}, "cache=a cache=b,c cache=d |"},
        {"CsvBadQuote",
         {"--cache-from", "a\"b"},
         "invalid argument \"a\\\"b\" for \"--cache-from\" flag: parse error on line 1, column 2: "
         "bare \" in non-quoted-field"},
        {"IntHex", {"-s", "0x1F"}, "time=31 |"},
        {"IntNegative", {"--time=-1"}, "time=-1 |"},
        {"IntUnderscore", {"--time=1_000"}, "time=1000 |"},
        {"Interspersed", {"a", "-q", "b"}, "quiet | a b"},
        {"NotInterspersed", {"-q", "a", "-f", "b"}, "quiet | a -f b", false},
        {"DashDash", {"-q", "--", "-f", "--"}, "quiet | -f --"},
        {"DashIsAnOperand", {"-", "-q"}, "quiet | -"},
        {"EmptyOperand", {"", "a"}, "|  a"},
        {"Help", {"a", "--help", "--nope"}, "help | a"},
        {"ShortHelp", {"-h"}, "-h |"},
        {"Deprecated", {"--old", "--old"}, "note=Flag --old has been deprecated, use --new |"},
        {"UnknownLong", {"--nope=x"}, "unknown flag: --nope"},
        {"Abbreviated", {"--qui"}, "unknown flag: --qui"},
        {"UnknownShort", {"-x"}, "unknown shorthand flag: 'x' in -x"},
        {"UnknownShortLater", {"-qxf"}, "unknown shorthand flag: 'x' in -xf"},
        {"UnknownShortUtf8", {"-\xC3\xA9"}, "unknown shorthand flag: '\xC3\x83' in -\xC3\xA9"},
        {"UnknownBeforeHelp", {"--nope", "--help"}, "unknown flag: --nope"},
        {"NoArgumentLong", {"--tag"}, "flag needs an argument: --tag"},
        {"NoArgumentShort", {"-qt"}, "flag needs an argument: 't' in -t"},
        {"BadSyntax", {"--=x"}, "bad flag syntax: --=x"},
        {"ThreeDashes", {"---x"}, "bad flag syntax: ---x"},
        {"BadBool",
         {"-q=x"},
         "invalid argument \"x\" for \"-q, --quiet\" flag: strconv.ParseBool: parsing \"x\": "
         "invalid syntax"},
        {"BadInt",
         {"--time", "0x1G"},
         "invalid argument \"0x1G\" for \"-s, --time\" flag: strconv.ParseInt: parsing \"0x1G\": "
         "invalid syntax"},
        {"BadIntSigns",
         {"--time", "0x-1"},
         "invalid argument \"0x-1\" for \"-s, --time\" flag: strconv.ParseInt: parsing \"0x-1\": "
         "invalid syntax"},
        {"IntOutOfRange",
         {"-s99999999999999999999"},
         "invalid argument \"99999999999999999999\" for \"-s, --time\" flag: strconv.ParseInt: "
         "parsing \"99999999999999999999\": value out of range"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(ParseGoInt, KeepsToTheRange) {
  EXPECT_EQ(*parse_go_int("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(parse_go_int("9223372036854775808"));
  for (const char* bad : {"", "-", "+-1", "1_", "_1", "1__0", "0x", "08", "0b2", "1 "}) {
    EXPECT_FALSE(parse_go_int(bad)) << bad;
  }
  EXPECT_EQ(*parse_go_int("0o17"), 15);
  EXPECT_EQ(*parse_go_int("017"), 15);
}

TEST(FlagSet, KnowsWhatWasGiven) {
  Values v;
  FlagSet flags;
  add_flags(flags, v);
  const std::vector<std::string> args = {"--rm=true"};
  ASSERT_TRUE(flags.parse(args));
  EXPECT_TRUE(flags.given("rm"));
  EXPECT_FALSE(flags.given("quiet"));
}

}  // namespace
}  // namespace strata::cli

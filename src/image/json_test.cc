#include "image/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace strata {
namespace {

Json parsed_json(std::string_view text) {
  auto v = Json::parse(text);
  EXPECT_TRUE(v) << text << ": " << (v ? "" : v.error().message());
  return v ? *std::move(v) : Json();
}

struct TextCase {
  const char* name;
  std::string text;
  std::string dump;
};

std::string case_name(const auto& c) { return c.param.name; }

class JsonRoundTrip : public testing::TestWithParam<TextCase> {};
TEST_P(JsonRoundTrip, IsWrittenAsGoWritesIt) {
  EXPECT_EQ(parsed_json(GetParam().text).dump(), GetParam().dump);
}
INSTANTIATE_TEST_SUITE_P(
    Cases, JsonRoundTrip,
    testing::ValuesIn(std::vector<TextCase>{
        {"Space", " { \"b\" : [ 1 , null,\ttrue,\r\nfalse ] , \"a\" : { } } ",
         R"({"b":[1,null,true,false],"a":{}})"},
        {"DuplicatesAreKept", R"({"a":1,"a":2})", R"({"a":1,"a":2})"},
        {"Html", R"("<a href='x'>&</a>")", R"("\u003ca href='x'\u003e\u0026\u003c/a\u003e")"},
        {"Named", R"("\"\\\/\b\f\n\r\t")", R"("\"\\/\u0008\u000c\n\r\t")"},
        {"Control", R"("\u0000\u001f\u007f")", "\"\\u0000\\u001f\x7f\""},
        {"LineSeparators", "\"\xE2\x80\xA8\\u2029\"", R"("\u2028\u2029")"},
        {"Utf8IsRaw", "\"\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80\"",
         "\"\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80\""},
        {"SurrogatePair", R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
        {"LoneHighSurrogate", R"("\ud83dx")", "\"\xEF\xBF\xBDx\""},
        {"LoneLowSurrogate", R"("\ude00")", "\"\xEF\xBF\xBD\""},
        {"HighThenOther", R"("\ud83d\u0041\ud83d\n")",
         "\"\xEF\xBF\xBD"
         "A\xEF\xBF\xBD\\n\""},
        {"InvalidUtf8", "\"a\xFF\xC0\x80z\"", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\""},
        {"SurrogateInUtf8", "\"\xED\xA0\x80\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"Int64Limits", "[9223372036854775807,-9223372036854775808]",
         "[9223372036854775807,-9223372036854775808]"},
        {"BeyondInt64", "[9223372036854775808,12345678901234567890]",
         "[9223372036854776000,12345678901234567000]"},
        {"Floats", "[0.1,1.5e3,-2.50,1e20,1e21,123e-8,1e-6,1e-7,5e-324,1.7976931348623157e308]",
         "[0.1,1500,-2.5,100000000000000000000,1e+21,0.00000123,0.000001,1e-7,5e-324,"
         "1.7976931348623157e+308]"},
        {"Zeros", "[0,-0,0.0,-0.0,1e-400]", "[0,-0,0,-0,0]"},
    }),
    case_name<testing::TestParamInfo<TextCase>>);

class JsonRefused : public testing::TestWithParam<TextCase> {};
TEST_P(JsonRefused, NamesTheOffset) {
  auto v = Json::parse(GetParam().text);
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(v.error().message(), "invalid JSON at byte " + GetParam().dump);
}
INSTANTIATE_TEST_SUITE_P(Cases, JsonRefused,
                         testing::ValuesIn(std::vector<TextCase>{
                             {"Empty", "", "0: unexpected end"},
                             {"OnlySpace", "  ", "2: unexpected end"},
                             {"TrailingText", "{} x", "3: unexpected text after the value"},
                             {"TrailingComma", "[1,]", "3: unexpected character"},
                             {"TrailingCommaInObject", R"({"a":1,})", "7: unexpected character"},
                             {"NoColon", R"({"a" 1})", "5: unexpected character"},
                             {"Unclosed", "[[1]", "4: unexpected end"},
                             {"SingleQuotes", "'a'", "0: unexpected character"},
                             {"LeadingZero", "01", "1: unexpected text after the value"},
                             {"Plus", "+1", "0: unexpected character"},
                             {"BareDot", "1.", "2: unexpected end"},
                             {"BareExponent", "1e+", "3: unexpected end"},
                             {"TooLarge", "[1e400]", "1: number out of range"},
                             {"Word", "nul", "0: unexpected word"},
                             {"NotANumber", "NaN", "0: unexpected character"},
                             {"RawNewline", "\"a\nb\"", "2: control character in a string"},
                             {"OpenString", "\"abc", "4: unexpected end of a string"},
                             {"OpenEscape", "\"abc\\", "5: unknown escape"},
                             {"UnknownEscape", R"("\x41")", "2: unknown escape"},
                             {"ShortUnicode", R"("\u12")", "3: \\u without four hex digits"},
                             {"SignedUnicode", R"("\u-123")", "3: \\u without four hex digits"},
                             {"ByteOrderMark", "\xEF\xBB\xBF{}", "0: unexpected character"},
                             {"Nul", std::string("\0", 1), "0: unexpected character"},
                             {"NulBehind", std::string("1\0", 2),
                              "1: unexpected text after the value"},
                             {"TooDeep", std::string(513, '['), "512: nested too deeply"},
                         }),
                         case_name<testing::TestParamInfo<TextCase>>);

TEST(JsonParse, TakesTheGreatestDepth) {
  std::string text;
  for (int i = 0; i < 256; i++) text += R"({"a":[)";
  for (int i = 0; i < 256; i++) text += "]}";
  EXPECT_EQ(parsed_json(text).dump(), text);
}

TEST(JsonParse, IsLinearInTheSize) {
  std::string text = "{";
  for (int i = 0; i < 100'000; i++) text += "\"k\":\"\xFF\\u0041\",";
  text += "\"end\":[" + std::string(1'000'000, ' ') + "]}";
  EXPECT_EQ(parsed_json(text).size(), 100'001U);
}

TEST(JsonAccess, NeverFails) {
  const Json v = parsed_json(R"({"s":"x","n":7,"f":1.5,"b":true,"l":["a",1,"b"],"o":{"z":0}})");
  EXPECT_EQ(v["s"].as_string(), "x");
  EXPECT_EQ(v["s"].as_int(3), 3);
  EXPECT_EQ(v["n"].as_int(), 7);
  EXPECT_EQ(v["n"].as_double(), 7.0);
  EXPECT_EQ(v["f"].as_int(-1), -1);
  EXPECT_EQ(v["f"].as_double(), 1.5);
  EXPECT_TRUE(v["b"].as_bool());
  EXPECT_EQ(v["l"].as_strings(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(v["o"]["z"].as_int(9), 0);
  EXPECT_TRUE(v["o"]["none"]["deeper"].is_null());
  EXPECT_EQ(v["l"].size(), 3U);
  EXPECT_EQ(v["s"].size(), 0U);
}

TEST(JsonAccess, PrefersTheExactKeyThenTheLastWithoutCase) {
  const Json v = parsed_json(R"({"ENV":1,"Env":2,"env":3,"Env":4,"\u017fTATE":5})");
  EXPECT_EQ(v["Env"].as_int(), 4);
  EXPECT_EQ(v["eNV"].as_int(), 4);
  EXPECT_EQ(v["ENV"].as_int(), 1);
  EXPECT_EQ(v["State"].as_int(), 5);
  EXPECT_EQ(v.find("eNV"), nullptr);
  EXPECT_EQ(v.find("env")->as_int(), 3);
}

TEST(JsonBuild, KeepsTheOrderOfMembers) {
  Json v;
  v.set("z", 1).set("a", Json::strings({"x", "y"})).set("z", "again");
  v.set("e", Json::array()).set("o", Json::object());
  Json list;
  list.push(nullptr);
  list.push(std::numeric_limits<double>::infinity());
  v.set("l", list);
  EXPECT_EQ(v.dump(), R"({"z":"again","a":["x","y"],"e":[],"o":{},"l":[null,null]})");
}

TEST(JsonIndented, IsMarshalIndent) {
  const Json v = parsed_json(R"({"a":[1,{"b":"<"}],"c":[],"d":{},"e":[[]]})");
  EXPECT_EQ(
      v.dump_indented(),
      "{\n    \"a\": [\n        1,\n        {\n            \"b\": \"\\u003c\"\n        }\n    ],\n"
      "    \"c\": [],\n    \"d\": {},\n    \"e\": [\n        []\n    ]\n}");
  EXPECT_EQ(Json("x").dump_indented("\t"), "\"x\"");
}

TEST(GoJsonString, EscapesInvalidBytes) {
  std::string out;
  append_go_json_string(out, "a\xFF\xEF\xBF\xBD");
  EXPECT_EQ(out, "\"a\\ufffd\xEF\xBF\xBD\"");
}

// Any double is written so that it reads back as the same number.
TEST(JsonProperty, DoublesSurvive) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; i++) {
    const std::uint64_t bits = random();
    double d = 0;
    static_assert(sizeof d == sizeof bits);
    __builtin_memcpy(&d, &bits, sizeof d);
    if (d != d || d - d != 0) continue;
    EXPECT_EQ(parsed_json(Json(d).dump()).as_double(), d) << Json(d).dump();
  }
}

}  // namespace
}  // namespace strata

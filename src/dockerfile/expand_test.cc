#include "dockerfile/expand.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::dockerfile {
namespace {

using Words = std::vector<std::string>;
using Environment = std::map<std::string, std::string, std::less<>>;

Lookup lookup_in(const Environment& env) {
  return [&env](std::string_view name) -> std::optional<std::string> {
    const auto found = env.find(name);
    if (found == env.end()) return std::nullopt;
    return found->second;
  };
}

struct ExpandCase {
  std::string text;
  std::string result;
};

void expect_words(const Environment& env, const std::vector<ExpandCase>& cases,
                  char escape = '\\') {
  for (const ExpandCase& c : cases) {
    auto result = expand_word(c.text, escape, lookup_in(env));
    ASSERT_TRUE(result) << c.text << ": " << result.error().message();
    EXPECT_EQ(*result, c.result) << c.text;
  }
}

void expect_errors(const Environment& env, const std::vector<ExpandCase>& cases) {
  for (const ExpandCase& c : cases) {
    auto result = expand_word(c.text, '\\', lookup_in(env));
    ASSERT_FALSE(result) << c.text << " gave " << *result;
    EXPECT_EQ(result.error().message(), c.result);
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument);
  }
}

TEST(ExpandWord, DefaultsAlternativesAndEscapes) {
  expect_words({{"X", "v"}, {"E", ""}}, {
                                            {"${X:-d}", "v"},         {"${U:-d}", "d"},
                                            {"${E:-d}", "d"},         {"${X-d}", "v"},
                                            {"${U-d}", "d"},          {"${E-d}", ""},
                                            {"${X:+p}", "p"},         {"${E:+p}", ""},
                                            {"${U:+p}", ""},          {"${X+p}", "p"},
                                            {"${E+p}", "p"},          {"${U+p}", ""},
                                            {"${X?no}", "v"},         {"${E?no}", ""},
                                            {"${X:?no}", "v"},        {"a${X}b${X}", "avbv"},
                                            {"\\${X}", "${X}"},       {"\"\\${X}\"", "${X}"},
                                            {"'${X}'", "${X}"},       {"${U:-${X}}", "v"},
                                            {"\"${U:-a b}\"", "a b"}, {"$Xy", ""},
                                            {"\"a\\nb\"", "a\\nb"},   {"a\\nb", "anb"},
                                            {"'a\\nb'", "a\\nb"},
                                        });
}

TEST(ExpandWord, WordsOfOneEnvLine) {
  expect_words({{"A", ""}}, {
                                {R"("q q")", "q q"},
                                {R"('s $A')", "s $A"},
                                {R"(e\ f)", "e f"},
                                {R"("x\"y")", "x\"y"},
                                {R"(a\$A)", "a$A"},
                                {"$A", ""},
                                {"${NO:-def}", "def"},
                                {"a=b=c", "a=b=c"},
                                {"", ""},
                                {"\"\"", ""},
                                {"'\"'", "\""},
                                {R"(\")", "\""},
                            });
}

TEST(ExpandWord, QuotesAndEscapes) {
  expect_words({{"X", "v"}}, {
                                 {"one \"two\"", "one two"},
                                 {"abc\\tdef", "abctdef"},
                                 {"\"\\t\"", "\\t"},
                                 {"\"\\\\\"", "\\"},
                                 {"'a\\'b''", "a\\b"},
                                 {"a\\", "a"},
                                 {"\"$X\"'$X'$X", "v$Xv"},
                                 {"\\\\\\\\\\\\\\${FOO}", "\\\\\\${FOO}"},
                                 {"안녕${X}세상", "안녕v세상"},
                                 {"안\\'녕", "안'녕"},
                                 {"a\xFF\\\xFF", "a\xFF\xFF"},
                             });
}

TEST(ExpandWord, BacktickAsEscape) {
  expect_words({{"X", "v"}},
               {{"C:\\dir", "C:\\dir"}, {"`$X", "$X"}, {"\"`\"\"", "\""}, {"\\$X", "\\v"}}, '`');
}

TEST(ExpandWord, Names) {
  expect_words({{"변수", "k"}, {"é1", "e"}, {"1", "one"}, {"a_1", "u"}, {"SHELL", "sh"}},
               {
                   {"$변수", "k"},
                   {"${é1}", "e"},
                   {"$a_1.x", "u.x"},
                   {"$1x", "onex"},
                   {"$999aaa", "aaa"},
                   {"$@aaa", "aaa"},
                   {"$-", ""},
                   {"$$", ""},
                   {"$0x", "x"},
                   {"${1:-bbb}", "one"},
                   {"${2:-bbb}", "bbb"},
                   {"${@:-bbb}", "bbb"},
                   {"$", "$"},
                   {"$.", "$."},
                   {"a$ b", "a$ b"},
                   {"$'x'", "$x"},
                   {"he${PWD:+${SHELL}}xx", "hexx"},
                   {"he${SHELL:+${SHELL}}xx", "heshxx"},
                   {"${XXX:-\\${PWD}z}", "${PWDz}"},
                   {"${aaa:-bbb}}", "bbb}"},
                   {"${a:-${b:-c}}", "c"},
                   {"${a:-'}'}", "}"},
               });
}

TEST(ExpandWord, CutsPrefixAndSuffix) {
  expect_words({{"F", "xxyyxx"}, {"G", "a*b*c"}, {"P", "/usr/lib/libx.so.1"}, {"Q", "?x"}},
               {
                   {"${F#x}", "xyyxx"},
                   {"${F##*x}", ""},
                   {"${F#*x}", "xyyxx"},
                   {"${F#y}", "xxyyxx"},
                   {"${F#?}", "xyyxx"},
                   {"${F%x}", "xxyyx"},
                   {"${F%%x*}", ""},
                   {"${F%x*}", "xxyyx"},
                   {"${F%y*}", "xxy"},
                   {"${F%%y*}", "xx"},
                   {"${G%%\\**}", "a"},
                   {"${G%\\**}", "a*b"},
                   {"${G##*\\*}", "c"},
                   {"${G#?\\*}", "b*c"},
                   {"${Q#?\\?}", "?x"},
                   {"${Q#\\??}", ""},
                   {"${P##*/}", "libx.so.1"},
                   {"${P%/*}", "/usr/lib"},
                   {"${P%%.*}", "/usr/lib/libx"},
                   {"${P#\"/usr\"}", "/lib/libx.so.1"},
                   {"${U#x}", ""},
                   {"${F#}", "xxyyxx"},
                   {"${F##}", "xxyyxx"},
                   {"${F%\\}}", "xxyyxx"},
               });
}

TEST(ExpandWord, Replaces) {
  expect_words({{"F", "aXbXc"}, {"N", "X"}, {"D", "a.b.c"}, {"S", "a/b"}, {"E", ""}, {"V", "v\\w"}},
               {
                   {"${F/X/-}", "a-bXc"},
                   {"${F//X/-}", "a-b-c"},
                   {"${F/$N/.}", "a.bXc"},
                   {"${F//$N/${D}}", "aa.b.cba.b.cc"},
                   {"${F/X*/-}", "a-"},
                   {"${F/*X/-}", "-c"},
                   {"${F//?/y}", "yyyyy"},
                   {"${F//b/}", "aXXc"},
                   {"${D//./_}", "a_b_c"},
                   {"${S/\\//-}", "a-b"},
                   {"${S//\\//-}", "a-b"},
                   {"${F//X/<$0>}", "a<>b<>c"},
                   {"${F//X/<\\$0>}", "a<\\X>b<\\X>c"},
                   {"${F//X/'$0'}", "aXbXc"},
                   {"${F/X/'$0'}", "a$0bXc"},
                   {"${F//X/'$$'}", "a$b$c"},
                   {"${F//X/'${1}$x-'}", "a-b-c"},
                   {"${F//Q/-}", "aXbXc"},
                   {"${E//*/-}", "-"},
                   {"${F//*/-}", "-"},
                   {"${U/a/b}", ""},
                   {"${D///-}", "-a-.-b-.-c-"},
               });
}

TEST(ExpandWord, Errors) {
  expect_errors(
      {{"E", ""}, {"FOO", "x"}},
      {
          {"${X?oops}", R"(failed to process "${X?oops}": X: oops)"},
          {"${X:?oops}", R"(failed to process "${X:?oops}": X: oops)"},
          {"${X?}", R"(failed to process "${X?}": X: is not allowed to be unset)"},
          {"${E:?}", R"(failed to process "${E:?}": E: is not allowed to be empty)"},
          {"\"x",
           R"(failed to process "\"x": unexpected end of statement while looking for matching double-quote)"},
          {"'x",
           R"(failed to process "'x": unexpected end of statement while looking for matching single-quote)"},
          {"${}", R"(failed to process "${}": syntax error: bad substitution)"},
          {"${:x}", R"(failed to process "${:x}": syntax error: bad substitution)"},
          {"${{x}}", R"(failed to process "${{x}}": syntax error: bad substitution)"},
          {"${FOO", R"(failed to process "${FOO": syntax error: missing '}')"},
          {"${", R"(failed to process "${": syntax error: missing '}')"},
          {"${FOO:", R"(failed to process "${FOO:": syntax error: missing '}')"},
          {"${FOO:-x", R"(failed to process "${FOO:-x": syntax error: missing '}')"},
          {"${FOO:=w}",
           R"(failed to process "${FOO:=w}": unsupported modifier (=) in substitution)"},
          {"${FOO:w}", R"(failed to process "${FOO:w}": unsupported modifier (w) in substitution)"},
          {"${FOO=w}", R"(failed to process "${FOO=w}": unsupported modifier (=) in substitution)"},
          {"${FOO:#}", R"(failed to process "${FOO:#}": unsupported modifier (#) in substitution)"},
          {"${FOO//ww}", R"(failed to process "${FOO//ww}": syntax error: missing '/' in ${})"},
          {"${FOO/a/b", R"(failed to process "${FOO/a/b": syntax error: missing '}')"},
          {"${FOO#\\a}",
           R"(failed to process "${FOO#\\a}": invalid pattern (\a) in substitution: invalid escape '\a')"},
      });
}

TEST(ExpandWord, StaysBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += "${a:-";
  EXPECT_FALSE(expand_word(deep, '\\', lookup_in({})));
  const Environment env{{"A", std::string(1 << 20, 'a')}};
  std::string twenty;
  for (int i = 0; i < 20; i++) twenty += "$A";
  auto result = expand_word(twenty, '\\', lookup_in(env));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("result is larger than 16 MiB"), std::string::npos);
  EXPECT_FALSE(expand_word("${A//a/$A}", '\\', lookup_in(env)));
}

TEST(ExpandWords, SplitsUnquotedBlanksOnly) {
  const Environment env{{"P", "80 443/udp"}, {"E", ""}, {"T", "\t1 "}};
  struct Split {
    std::string text;
    Words words;
  };
  for (const Split& c : std::vector<Split>{
           {"$P", {"80", "443/udp"}},
           {"\"$P\"", {"80 443/udp"}},
           {"x${P}y", {"x80", "443/udpy"}},
           {"$E", {}},
           {"\"\"", {}},
           {"a  b", {"a", "b"}},
           {"a\\ b", {"a b"}},
           {"'a b'c d", {"a bc", "d"}},
           {"$T$T", {"1", "1"}},
           {"${U:-1 2}", {"1", "2"}},
       }) {
    auto words = expand_words(c.text, '\\', lookup_in(env));
    ASSERT_TRUE(words) << c.text;
    EXPECT_EQ(*words, c.words) << c.text;
  }
}

TEST(ExpandHeredoc, KeepsQuotes) {
  const Environment env{{"X", "v"}};
  for (const ExpandCase& c : std::vector<ExpandCase>{
           {"a \"$X\" '$X'\n", "a \"v\" 'v'\n"},
           {"\\$X \\\\ it's\n", "$X \\ it's\n"},
           {"${U:-\"d\"}\n", "\"d\"\n"},
       }) {
    auto result = expand_heredoc(c.text, '\\', lookup_in(env));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*result, c.result);
  }
}

// A slow and plain matcher against which the linear one is checked.
bool expand_plain_match(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return expand_plain_match(pattern.substr(1), text) ||
           (!text.empty() && expand_plain_match(pattern, text.substr(1)));
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) &&
         expand_plain_match(pattern.substr(1), text.substr(1));
}

TEST(ExpandWord, CutsLikeThePlainMatcher) {
  std::mt19937 random(7);
  const auto make = [&](std::string_view letters, std::size_t most) {
    std::string out(random() % (most + 1), ' ');
    for (char& c : out) c = letters[random() % letters.size()];
    return out;
  };
  for (int round = 0; round < 3000; round++) {
    const std::string pattern = "a" + make("ab*?", 5);
    const std::string value = make("ab", 8);
    std::size_t longest = 0;
    std::size_t shortest = 0;
    for (std::size_t n = value.size() + 1; n-- > 0;) {
      if (!expand_plain_match(pattern, value.substr(0, n))) continue;
      longest = std::max(longest, n);
      shortest = n;
    }
    const Environment env{{"V", value}};
    EXPECT_EQ(*expand_word("${V#" + pattern + "}", '\\', lookup_in(env)), value.substr(shortest))
        << pattern << " of " << value;
    EXPECT_EQ(*expand_word("${V##" + pattern + "}", '\\', lookup_in(env)), value.substr(longest))
        << pattern << " of " << value;
  }
}

}  // namespace
}  // namespace strata::dockerfile

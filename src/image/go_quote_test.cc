#include "image/go_quote.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(GoQuote, EscapesAsStrconvDoes) {
  const std::pair<std::string, const char*> cases[] = {
      {"", R"("")"},
      {"a \"b\" \\ 'c'", R"("a \"b\" \\ 'c'")"},
      {"\a\b\f\r\n\t\v", R"("\a\b\f\r\n\t\v")"},
      {std::string("\0\x1b\x7f", 3), R"("\x00\x1b\x7f")"},
      {"\xFF\xC0\x80", R"("\xff\xc0\x80")"},
      {"\xE6\x97\xA5\xC3\xA9\xF0\x9F\x98\x80", "\"\xE6\x97\xA5\xC3\xA9\xF0\x9F\x98\x80\""},
      {"\xE2\x80\x8B\xC2\xA0\xC2\x85", R"("\u200b\u00a0\u0085")"},
      {"\xF3\xA0\x80\x81\xF4\x8F\xBF\xBF", R"("\U000e0001\U0010ffff")"},
      {"\xEF\xBF\xBD", "\"\xEF\xBF\xBD\""},
      {"<&>", R"("<&>")"},
  };
  for (const auto& [text, quoted] : cases) EXPECT_EQ(go_quote(text), quoted);
}

TEST(GoQuote, OfAListHasBlanksAndNoCommas) {
  EXPECT_EQ(go_quote(std::vector<std::string>{"python", "a b.py", ""}),
            R"(["python" "a b.py" ""])");
  EXPECT_EQ(go_quote(std::vector<std::string>()), "[]");
}

TEST(GoQuote, OfANumberIsARune) {
  EXPECT_EQ(go_quote_rune(0), R"('\x00')");
  EXPECT_EQ(go_quote_rune(2), R"('\x02')");
  EXPECT_EQ(go_quote_rune(10), R"('\n')");
  EXPECT_EQ(go_quote_rune('\''), R"('\'')");
  EXPECT_EQ(go_quote_rune('"'), R"('"')");
  EXPECT_EQ(go_quote_rune(0xD800), "'\xEF\xBF\xBD'");
  EXPECT_EQ(go_quote_rune(0x7FFFFFFF), "'\xEF\xBF\xBD'");
}

}  // namespace
}  // namespace strata

#include "cli/table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "image/json.h"

namespace strata::cli {
namespace {

constexpr TableField kFields[] = {{"ID", "IMAGE ID"},
                                  {"Repository", "REPOSITORY"},
                                  {"Tag", "TAG"},
                                  {"CreatedSince", "CREATED"},
                                  {"Size", "SIZE"}};
const TableSpec kSpec = {
    .go_type = "*formatter.imageContext",
    .default_format = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    .quiet_format = "{{.ID}}",
    .raw_format = "repository: {{.Repository}}\n",
    .raw_quiet_format = "image_id: {{.ID}}",
    .fields = kFields,
};

const std::vector<Json>& rows() {
  static const std::vector<Json> kRows = {
      *Json::parse(R"({"ID":"aaaabbbbcccc","Repository":"x","Tag":"latest",
                       "CreatedSince":"6 years ago","Size":"123MB"})"),
      *Json::parse(R"({"ID":"aaaabbbbcccc","Repository":"a-very-long-repository/name","Tag":"1",
                       "CreatedSince":"6 years ago","Size":"123MB"})"),
      *Json::parse(R"({"ID":"bbbbbbbbcccc","Repository":"<none>","Tag":"<none>",
                       "CreatedSince":"6 years ago","Size":"12B"})")};
  return kRows;
}

std::string list(std::string_view format, bool quiet = false, std::size_t count = 3) {
  auto table = Table::create(kSpec, format, quiet);
  if (!table) return table.error().message();
  for (std::size_t i = 0; i < count; i++) {
    if (auto added = table->add(rows()[i]); !added) return added.error().message();
  }
  return *table->finish();
}

struct FormatCase {
  const char* name;
  const char* format;
  bool quiet;
  const char* expected;
};
class TableFormat : public testing::TestWithParam<FormatCase> {};
TEST_P(TableFormat, AsDockerImages) {
  EXPECT_EQ(list(GetParam().format, GetParam().quiet), GetParam().expected);
}

// All but "json" as docker 20.10.24 was seen to print them, rows in this order.
INSTANTIATE_TEST_SUITE_P(
    Cases, TableFormat,
    testing::ValuesIn(std::vector<FormatCase>{
        {"Default", "", false,
         "REPOSITORY                    TAG       IMAGE ID       CREATED       SIZE\n"
         "x                             latest    aaaabbbbcccc   6 years ago   123MB\n"
         "a-very-long-repository/name   1         aaaabbbbcccc   6 years ago   123MB\n"
         "<none>                        <none>    bbbbbbbbcccc   6 years ago   12B\n"},
        {"Quiet", "table", true, "aaaabbbbcccc\naaaabbbbcccc\nbbbbbbbbcccc\n"},
        {"QuietLosesToATemplate", "{{.Tag}}", true, "latest\n1\n<none>\n"},
        {"QuietRaw", "raw", true,
         "image_id: aaaabbbbcccc\nimage_id: aaaabbbbcccc\nimage_id: bbbbbbbbcccc\n"},
        {"TwoLinesARow", R"(table {{.ID}}\t{{.Repository | upper}}\n{{json .Tag}}\tx{{.Size}})",
         false,
         "IMAGE ID       REPOSITORY\nTAG            xSIZE\n"
         "aaaabbbbcccc   X\n\"latest\"       x123MB\n"
         "aaaabbbbcccc   A-VERY-LONG-REPOSITORY/NAME\n\"1\"            x123MB\n"
         "bbbbbbbbcccc   <NONE>\n\"<none>\"       x12B\n"},
        {"ShorterRunsOfAColumn", R"(table {{.ID}}\tx\n{{.Tag}}\t\ty)", false,
         "IMAGE ID       x\nTAG                      y\n"
         "aaaabbbbcccc   x\nlatest                   y\n"
         "aaaabbbbcccc   x\n1                        y\n"
         "bbbbbbbbcccc   x\n<none>                   y\n"},
        {"EmptyCells", R"(table \t{{.Tag}}\t|)", false,
         "          TAG       |\n          latest    |\n          1         |\n"
         "          <none>    |\n"},
        {"NoBlankAfterTable", "table{{.ID}}", false,
         "IMAGE ID\naaaabbbbcccc\naaaabbbbcccc\nbbbbbbbbcccc\n"},
        {"BlankBeforeTable", " table {{.Tag}}", false, "table latest\ntable 1\ntable <none>\n"},
        {"JsonOfARow", "{{json .}}", false,
         "{\"CreatedSince\":\"6 years ago\",\"ID\":\"aaaabbbbcccc\",\"Repository\":\"x\","
         "\"Size\":\"123MB\",\"Tag\":\"latest\"}\n"
         "{\"CreatedSince\":\"6 years ago\",\"ID\":\"aaaabbbbcccc\",\"Repository\":"
         "\"a-very-long-repository/name\",\"Size\":\"123MB\",\"Tag\":\"1\"}\n"
         "{\"CreatedSince\":\"6 years ago\",\"ID\":\"bbbbbbbbcccc\",\"Repository\":"
         "\"\\u003cnone\\u003e\",\"Size\":\"12B\",\"Tag\":\"\\u003cnone\\u003e\"}\n"},
        {"ParseError", "{{", false, "template parsing error: template: :1: unclosed action"},
        {"UnknownField", "table {{.ID}}\t{{.Nope}}", false,
         "template parsing error: template: :1:10: executing \"\" at <.Nope>: can't evaluate "
         "field Nope in type *formatter.imageContext"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(Table, WithoutRowsHasItsHeading) {
  EXPECT_EQ(list("", false, 0), "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
  EXPECT_EQ(list("{{.ID}}", false, 0), "");
  EXPECT_EQ(list("json", false, 3), list("{{json .}}", false, 3));
}

TEST(Table, LabelsHaveTheirOwnHeading) {
  auto table = Table::create(kSpec, R"(table {{.ID}}\t{{.Label "com.x.a-b"}})");
  ASSERT_TRUE(table);
  const auto label = [](std::string_view, const std::vector<Json>& args) -> Result<Json> {
    return Json("value of " + args[0].as_string());
  };
  ASSERT_TRUE(table->add(rows()[0], label));
  EXPECT_EQ(*table->finish(), "IMAGE ID       a b\naaaabbbbcccc   value of com.x.a-b\n");
}

TEST(AlignColumns, CountsCodePoints) {
  EXPECT_EQ(align_columns("h\xC3\xA9llo-world\tx\nhallo-world\ty"),
            "h\xC3\xA9llo-world   x\nhallo-world   y");
}

}  // namespace
}  // namespace strata::cli

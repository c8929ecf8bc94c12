#include "build/download.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

struct NameCase {
  const char* url;
  const char* disposition;
  const char* name;
};

TEST(DownloadName, IsTheLastComponentOfThePath) {
  for (const auto& [url, disposition, name] : std::initializer_list<NameCase>{
           {"http://h/f.txt", "", "f.txt"},
           {"http://h/d/f.txt?q=/a#/b", "attachment; filename=other", "f.txt"},
           {"http://h/a%20b", "", "a b"},
           {"http://h/x%2fy", "", "y"},
           {"http://h/", "", ""},
           {"http://h", "", ""},
           {"http://h?q", "", ""},
           {"http://h/d/", "", ""},
           {"http://h/..", "", ""},
           {"http://h/.", "", ""},
           {"http://h/a%00b", "", ""},
       })
    EXPECT_EQ(download_name(url, disposition), name) << url;
}

TEST(DownloadName, ComesFromTheServerOtherwise) {
  for (const auto& [disposition, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {"attachment; filename=\"cd.txt\"", "cd.txt"},
           {"inline; filename=plain.txt; x=y", "plain.txt"},
           {"attachment;FileName = \"a\\\"b;c\" ; x=y", "a\"b;c"},
           {"attachment; filename=\"../../etc/x\"", "x"},
           {"attachment; filename=x; filename*=UTF-8''%c3%a4", "\xc3\xa4"},
           {"attachment; filename=..", ""},
           {"attachment; filename=\"d/\"", ""},
           {"attachment; filename=\"", ""},
           {"attachment", ""},
           {"attachment;", ""},
           {"attachment; x", ""},
       })
    EXPECT_EQ(download_name("http://h/", disposition), name) << disposition;
}

}  // namespace
}  // namespace strata::build

#include "progress/download_text.h"

#include <gtest/gtest.h>

namespace strata::progress {
namespace {

TEST(ProgressBar, IsDockers) {
  EXPECT_EQ(progress_bar(26, 26), "[" + std::string(50, '=') + ">]      26B/26B");
  EXPECT_EQ(progress_bar(4096, 112640),
            "[=>                                                 ]  4.096kB/112.6kB");
  EXPECT_EQ(progress_bar(36750, 3000000),
            "[>                                                  ]  36.75kB/3MB");
  EXPECT_EQ(progress_bar(3, std::nullopt), "      3B");
  EXPECT_EQ(progress_bar(0, 100), "[>" + std::string(50, ' ') + "]       0B/100B");
  EXPECT_EQ(progress_bar(0, std::nullopt), "");
  EXPECT_EQ(progress_bar(0, 0), "");
}

TEST(DownloadText, OfAnAddIsForTerminals) {
  Download download{.step = 2, .url = "http://x", .bytes = 3};
  EXPECT_EQ(download_text(download, true), "\x1b[2K\rDownloading       3B\r");
  EXPECT_EQ(download_text(download, false), "");
}

TEST(DownloadText, OfAContextIsAlwaysPrinted) {
  const std::string start = "Downloading build context from remote url: http://x ";
  Download download{.step = {}, .url = "http://x", .bytes = 3};
  EXPECT_EQ(download_text(download, false), start + "      3B\r");
  download.last = true;
  EXPECT_EQ(download_text(download, true), start + "      3B\r\r\n");
  download.bytes = 0;
  EXPECT_EQ(download_text(download, true), start + "\r\n\r\n");
}

}  // namespace
}  // namespace strata::progress

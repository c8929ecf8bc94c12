#include "cli/transfer_output.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace strata::cli {
namespace {

/// What is written for these events; between two of them `step` goes by.
std::string shown(bool terminal, const std::vector<TransferEvent>& events,
                  std::chrono::milliseconds step) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = ::open_memstream(&text, &size);
  auto now = std::chrono::steady_clock::time_point();
  TransferOutput output(out, terminal, [&] { return now; });
  for (const auto& event : events) {
    output.show(event);
    now += step;
  }
  std::fclose(out);
  std::string all(text, size);
  std::free(text);
  return all;
}

const std::vector<TransferEvent> kPull = {
    {"1", "Pulling from x"},
    {"aa", "Pulling fs layer"},
    {"bb", "Pulling fs layer"},
    {"aa", "Downloading", 0, 100},
    {"aa", "Downloading", 50, 100},
    {"aa", "Download complete"},
    {"", "Digest: d"},
    {"aa", "again"},
};

TEST(TransferOutput, AFileGetsALineForEachState) {
  EXPECT_EQ(shown(false, kPull, std::chrono::seconds(1)),
            "1: Pulling from x\naa: Pulling fs layer\nbb: Pulling fs layer\n"
            "aa: Download complete\nDigest: d\naa: again\n");
}

TEST(TransferOutput, ATerminalSeesItsLinesChange) {
  EXPECT_EQ(shown(true, kPull, std::chrono::seconds(1)),
            "1: Pulling from x\naa: Pulling fs layer\nbb: Pulling fs layer\n"
            "\x1b[2A\x1b[2K\raa: Downloading [>                                                  ] "
            "      0B/100B\r\x1b[2B"
            "\x1b[2A\x1b[2K\raa: Downloading [=========================>                         ] "
            "     50B/100B\r\x1b[2B"
            "\x1b[2A\x1b[2K\raa: Download complete\r\x1b[2B"
            "Digest: d\naa: again\n");
}

TEST(TransferOutput, ATerminalIsNotFlooded) {
  auto text = shown(true, kPull, std::chrono::milliseconds(10));
  EXPECT_EQ(text.find("Downloading"), std::string::npos);
  EXPECT_NE(text.find("Download complete"), std::string::npos);
}

}  // namespace
}  // namespace strata::cli

#include "digest/fingerprint.h"

#include <gtest/gtest.h>

#include <string>

namespace strata {
namespace {

Fingerprinter::Key key(std::uint8_t first) {
  Fingerprinter::Key k{};
  k[0] = first;
  k[15] = 77;
  return k;
}

Fingerprint of(std::string_view bytes, std::uint8_t first = 1) {
  Fingerprinter printer(key(first));
  printer.update(bytes);
  return printer.finish();
}

TEST(Fingerprinter, PiecesDoNotMatter) {
  const std::string text(1000, 'x');
  for (std::size_t cut : {0U, 1U, 15U, 16U, 17U, 500U, 999U}) {
    Fingerprinter printer(key(1));
    printer.update(std::string_view(text).substr(0, cut));
    printer.update(std::string_view(text).substr(cut));
    EXPECT_EQ(printer.finish(), of(text)) << cut;
  }
}

TEST(Fingerprinter, AChecksumIsThatOfItsBytes) {
  const std::string text(1000, '\0');
  EXPECT_EQ(checksum(text), checksum(std::string(1000, '\0')));
  EXPECT_NE(checksum(text), checksum(std::string(999, '\0')));
  EXPECT_NE(checksum(text), 0u);
  for (std::size_t at = 0; at < text.size(); at++) {
    auto other = text;
    other[at] = 1;
    EXPECT_NE(checksum(text), checksum(other)) << at;
  }
}

TEST(Fingerprinter, StartsOver) {
  Fingerprinter printer(key(1));
  for (const char* text : {"a", "", "a"}) {
    printer.update(text);
    EXPECT_EQ(printer.finish(), of(text)) << text;
  }
}

TEST(Fingerprinter, EveryBitAndEveryLengthCounts) {
  std::string text(100, '\0');
  const auto plain = of(text);
  for (std::size_t bit = 0; bit < 8 * text.size(); bit++) {
    auto other = text;
    other[bit / 8] = static_cast<char>(1 << (bit % 8));
    EXPECT_NE(of(other), plain) << bit;
  }
  EXPECT_NE(of(text + '\0'), plain);
  EXPECT_NE(of(""), of(std::string(1, '\0')));
}

TEST(Fingerprinter, TheKeyCounts) { EXPECT_NE(of("text", 1), of("text", 2)); }

}  // namespace
}  // namespace strata

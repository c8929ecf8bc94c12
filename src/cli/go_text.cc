#include "cli/go_text.h"

#include <algorithm>
#include <array>

namespace strata::cli {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first;
  char32_t last;
};

// Spaces other than U+0020, controls, format characters, surrogates, private use.
constexpr Range kUnprintable[] = {
    {0x00, 0x1F},     {0x7F, 0xA0},       {0xAD, 0xAD},     {0x0600, 0x0605}, {0x061C, 0x061C},
    {0x06DD, 0x06DD}, {0x1680, 0x1680},   {0x180E, 0x180E}, {0x2000, 0x200F}, {0x2028, 0x202F},
    {0x205F, 0x206F}, {0x3000, 0x3000},   {0xD800, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF}};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool is_shortest_form(char32_t rune, std::size_t length) {
  constexpr std::array<char32_t, 5> kFirst = {0, 0, 0x80, 0x800, 0x10000};
  return rune >= kFirst[length] && rune <= 0x10FFFF && (rune < 0xD800 || rune > 0xDFFF);
}

}  // namespace

Rune decode_rune(std::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = sequence_length(lead);
  if (length == 1) return {lead, 1, true};
  const Rune bad = {kReplacement, 1, false};
  if (length == 0 || text.size() < length) return bad;
  char32_t rune = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80) return bad;
    rune = (rune << 6U) | (byte & 0x3FU);
  }
  return is_shortest_form(rune, length) ? Rune{rune, length, true} : bad;
}

void append_rune(std::string& out, char32_t rune) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) rune = kReplacement;
  const auto byte = [&](char32_t b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
  if (rune < 0x80) {
    byte(rune);
  } else if (rune < 0x800) {
    byte(0xC0U | (rune >> 6U));
    byte(0x80U | (rune & 0x3FU));
  } else if (rune < 0x10000) {
    byte(0xE0U | (rune >> 12U));
    byte(0x80U | ((rune >> 6U) & 0x3FU));
    byte(0x80U | (rune & 0x3FU));
  } else {
    byte(0xF0U | (rune >> 18U));
    byte(0x80U | ((rune >> 12U) & 0x3FU));
    byte(0x80U | ((rune >> 6U) & 0x3FU));
    byte(0x80U | (rune & 0x3FU));
  }
}

std::size_t rune_count(std::string_view text) {
  std::size_t n = 0;
  for (; !text.empty(); n++) text.remove_prefix(decode_rune(text).size);
  return n;
}

bool is_printable(char32_t rune) {
  return rune <= 0x10FFFF &&
         std::none_of(std::begin(kUnprintable), std::end(kUnprintable),
                      [&](const Range& r) { return rune >= r.first && rune <= r.last; });
}

}  // namespace strata::cli

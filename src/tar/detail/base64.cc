#include "tar/detail/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strata::tar::detail {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xff;

using Pair = std::array<char, 2>;

/// Two characters for every 12 bits: tar headers go through here for every file of a build.
constexpr auto kPairs = [] {
  std::array<Pair, 4096> pairs{};
  for (std::size_t i = 0; i < pairs.size(); i++) pairs[i] = {kAlphabet[i >> 6], kAlphabet[i & 63]};
  return pairs;
}();

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); i++)
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

std::uint32_t byte(char c) { return static_cast<std::uint8_t>(c); }

/// The 24 bits of four characters; false if one is not of the alphabet.
bool decode_group(const char* text, std::uint32_t& bits) {
  bits = 0;
  std::uint8_t bad = 0;
  for (int i = 0; i < 4; i++) {
    std::uint8_t value = kValues[byte(text[i])];
    bad |= value;
    bits = bits << 6 | (value & 63U);
  }
  return (bad & 0x80) == 0;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const char* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3, to += 4) {
    std::uint32_t bits = byte(from[0]) << 16 | byte(from[1]) << 8 | byte(from[2]);
    std::memcpy(to, kPairs[bits >> 12].data(), 2);
    std::memcpy(to + 2, kPairs[bits & 0xfff].data(), 2);
  }
  if (left == 0) return;
  std::uint32_t bits = byte(from[0]) << 16 | (left == 2 ? byte(from[1]) << 8 : 0);
  std::memcpy(to, kPairs[bits >> 12].data(), 2);
  to[2] = left == 2 ? kPairs[bits & 0xfff][0] : '=';
  to[3] = '=';
}

bool append_base64_decoded(std::string& out, std::string_view text) {
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t start = out.size();
  out.resize(start + text.size() / 4 * 3);
  char* to = out.data() + start;
  for (std::size_t at = 0; at < text.size(); at += 4, to += 3) {
    std::array<char, 4> group{};
    std::memcpy(group.data(), text.data() + at, 4);
    if (at + 4 == text.size())
      for (std::size_t i = 0; i < padding; i++) group[3 - i] = 'A';
    std::uint32_t bits = 0;
    if (!decode_group(group.data(), bits)) return false;
    to[0] = static_cast<char>(bits >> 16);
    to[1] = static_cast<char>(bits >> 8);
    to[2] = static_cast<char>(bits);
  }
  out.resize(out.size() - padding);
  return true;
}

}  // namespace strata::tar::detail

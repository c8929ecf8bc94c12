#include "base/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strata {
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

/// The 24 bits of four characters, of which the last `padding` count as zero; false if another one
/// is not of the alphabet.
inline bool decode_group(const char* text, std::size_t padding, std::uint32_t& bits) {
  const std::uint32_t a = kValues[byte(text[0])];
  const std::uint32_t b = kValues[byte(text[1])];
  const std::uint32_t c = padding < 2 ? kValues[byte(text[2])] : 0;
  const std::uint32_t d = padding < 1 ? kValues[byte(text[3])] : 0;
  bits = a << 18 | b << 12 | c << 6 | d;
  return (a | b | c | d) < 64;
}

void put_24_bits(char* to, std::uint32_t bits) {
  to[0] = static_cast<char>(bits >> 16);
  to[1] = static_cast<char>(bits >> 8);
  to[2] = static_cast<char>(bits);
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
  std::uint32_t bits = 0;
  bool ok = true;
  for (; text.size() > 4; text.remove_prefix(4), to += 3) {
    ok &= decode_group(text.data(), 0, bits);
    put_24_bits(to, bits);
  }
  ok &= decode_group(text.data(), padding, bits);
  put_24_bits(to, bits);
  out.resize(out.size() - padding);
  return ok;
}

}  // namespace strata

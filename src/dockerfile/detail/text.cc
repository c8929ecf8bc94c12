#include "dockerfile/detail/text.h"

#include <fmt/core.h>

#include <utility>

#include "dockerfile/detail/unicode.h"

namespace strata::dockerfile::detail {
namespace {

bool printable(char32_t rune) {
  if (rune < 0x80) return rune >= ' ' && rune < 0x7F;
  if (rune < 0xA0 || rune == 0xAD || rune == 0xFEFF) return false;
  const bool format = rune >= 0x200B && rune <= 0x200F;
  const bool direction = (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2060 && rune <= 0x206F);
  const bool private_use = rune >= 0xE000 && rune <= 0xF8FF;
  return !is_space(rune) && !format && !direction && !private_use && rune < 0xE0000;
}

void append_quoted(std::string& out, char32_t rune) {
  constexpr std::string_view kControl = "\a\b\f\n\r\t\v";
  constexpr std::string_view kLetter = "abfnrtv";
  const auto control = rune < 0x80 ? kControl.find(static_cast<char>(rune)) : kControl.npos;
  if (rune == '"' || rune == '\\') {
    out += '\\';
    out += static_cast<char>(rune);
  } else if (control != kControl.npos) {
    out += '\\';
    out += kLetter[control];
  } else if (rune >= kBadByte && rune <= kBadByte + 0xFF) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(rune - kBadByte));
  } else if (printable(rune)) {
    append_rune(out, rune);
  } else if (rune < 0x80) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(rune));
  } else if (rune < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(rune));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<unsigned>(rune));
  }
}

template <char First, char Last, int Shift>
std::string shift_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= First && c <= Last) c = static_cast<char>(c + Shift);
  return out;
}

}  // namespace

std::string_view trim_left(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = decode_rune(text, 0);
    if (!is_space(rune.value)) break;
    text.remove_prefix(rune.size);
  }
  return text;
}

std::string_view trim_right(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80)
      start--;
    const Rune rune = decode_rune(text, start);
    if (start + rune.size != text.size() || !is_space(rune.value)) break;
    text.remove_suffix(rune.size);
  }
  return text;
}

std::string_view trim(std::string_view text) { return trim_right(trim_left(text)); }

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  std::size_t start = text.find_first_not_of(kBlanks);
  while (start != text.npos) {
    const std::size_t end = text.find_first_of(kBlanks, start);
    words.emplace_back(text.substr(start, end - start));
    start = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::string to_lower(std::string_view text) { return shift_case<'A', 'Z', 'a' - 'A'>(text); }
std::string to_upper(std::string_view text) { return shift_case<'a', 'z', 'A' - 'a'>(text); }

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = decode_rune(text, i);
    append_quoted(out, rune.value);
    i += rune.size;
  }
  return out + '"';
}

Error invalid(std::string text) { return {ErrorCode::InvalidArgument, std::move(text)}; }

}  // namespace strata::dockerfile::detail

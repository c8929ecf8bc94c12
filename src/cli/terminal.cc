#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "cli/go_text.h"

namespace strata::cli {
namespace {

struct Block {
  char32_t first;
  char32_t last;
};

constexpr Block kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                           {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                           {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                           {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
constexpr Block kMarks[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},
                            {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                            {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <std::size_t N>
bool in_any(const Block (&blocks)[N], char32_t rune) {
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [&](const Block& b) { return rune >= b.first && rune <= b.last; });
}

/// How many bytes of `text`, which begins with ESC, belong to a sequence (ECMA-48, 5.4).
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2 || text[1] != '[') return std::min<std::size_t>(text.size(), 2);
  std::size_t n = 2;
  while (n < text.size() && text[n] >= 0x20 && text[n] < 0x40) n++;
  return std::min(text.size(), n + 1);
}

}  // namespace

bool can_rewrite_lines(int fd) {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb" && isatty(fd) == 1;
}

bool colour_wanted() {
  const char* no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

TerminalSize terminal_size(int fd) {
  TerminalSize size;
  winsize w = {};
  if (ioctl(fd, TIOCGWINSZ, &w) < 0) return size;
  if (w.ws_col > 1) size.columns = w.ws_col;
  if (w.ws_row > 1) size.rows = w.ws_row;
  return size;
}

int rune_width(char32_t rune) {
  if (rune < 0x300) return 1;
  if (in_any(kMarks, rune)) return 0;
  return in_any(kWide, rune) ? 2 : 1;
}

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Rune r = decode_rune(text);
    width += static_cast<std::size_t>(rune_width(r.value));
    text.remove_prefix(r.size);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    if (text[0] == '\x1b') {
      text.remove_prefix(escape_length(text));
      continue;
    }
    Rune r = decode_rune(text);
    text.remove_prefix(r.size);
    if (r.value == '\t') r.value = ' ';
    const auto width = static_cast<std::size_t>(rune_width(r.value));
    if (width != 0 && !is_printable(r.value)) continue;
    if (used + width > columns) break;
    append_rune(out, r.value);
    used += width;
  }
  return out;
}

}  // namespace strata::cli

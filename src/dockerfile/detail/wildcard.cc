#include "dockerfile/detail/wildcard.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/unicode.h"

namespace strata::dockerfile::detail {
namespace {

constexpr char32_t kAnyRune = 0x110000;
constexpr std::size_t kNone = std::u32string_view::npos;

std::u32string decode(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = decode_rune(text, i);
    out += rune.value;
    i += rune.size;
  }
  return out;
}

std::string encode(std::u32string_view runes) {
  std::string out;
  for (const char32_t rune : runes) append_rune(out, rune);
  return out;
}

bool fits(std::u32string_view part, std::u32string_view text, std::size_t at) {
  if (text.size() - at < part.size()) return false;
  for (std::size_t i = 0; i < part.size(); i++)
    if (part[i] != kAnyRune && part[i] != text[at + i]) return false;
  return true;
}

std::size_t find_first(std::u32string_view part, std::u32string_view text, std::size_t from) {
  for (std::size_t at = from; at + part.size() <= text.size(); at++)
    if (fits(part, text, at)) return at;
  return kNone;
}

std::size_t find_last(std::u32string_view part, std::u32string_view text, std::size_t from) {
  for (std::size_t end = text.size(); end >= from + part.size(); end--)
    if (fits(part, text, end - part.size())) return end - part.size();
  return kNone;
}

// Go's Regexp.Expand for a pattern without groups.
std::string expand_template(std::string_view replacement, std::string_view match) {
  std::string out;
  for (std::size_t i = 0; i < replacement.size(); i++) {
    if (replacement[i] != '$' || i + 1 == replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += '$';
      i++;
      continue;
    }
    const bool brace = replacement[i + 1] == '{';
    const std::size_t start = i + (brace ? 2 : 1);
    std::size_t end = start;
    while (end < replacement.size()) {
      const Rune rune = decode_rune(replacement, end);
      if (!is_letter(rune.value) && !is_digit(rune.value) && rune.value != '_') break;
      end += rune.size;
    }
    const bool closed = !brace || (end < replacement.size() && replacement[end] == '}');
    if (end == start || !closed) {
      out += '$';
      continue;
    }
    if (replacement.substr(start, end - start) == "0") out += match;
    i = end - (brace ? 0 : 1);
  }
  return out;
}

}  // namespace

Result<Wildcard> Wildcard::parse(std::string_view pattern) {
  Wildcard out;
  out.parts_.emplace_back();
  const std::u32string runes = decode(pattern);
  for (std::size_t i = 0; i < runes.size(); i++) {
    char32_t rune = runes[i];
    if (rune == '*') {
      out.parts_.emplace_back();
      continue;
    }
    if (rune == '\\') {
      const std::u32string escaped = runes.substr(i + 1, 1);
      if (std::u32string_view(U"*?\\}/").find(escaped) == kNone || escaped.empty())
        return invalid(fmt::format("invalid pattern ({}) in substitution: invalid escape '\\{}'",
                                   pattern, encode(escaped)));
      rune = runes[++i];
    } else if (rune == '?') {
      rune = kAnyRune;
    }
    out.parts_.back() += rune;
  }
  return out;
}

// Taking each part at its first place leaves the most room for those behind it, so nothing needs to
// be tried twice: this is linear in the pattern and in the text.
std::optional<Wildcard::Span> Wildcard::find(std::u32string_view text, std::size_t from,
                                             bool anchored, Length length) const {
  const std::u32string& first = parts_.front();
  const std::size_t begin =
      anchored ? (fits(first, text, from) ? from : kNone) : find_first(first, text, from);
  if (begin == kNone) return std::nullopt;
  std::size_t end = begin + first.size();
  for (std::size_t i = 1; i < parts_.size(); i++) {
    const bool last = i + 1 == parts_.size();
    const std::size_t at = last && length == Length::Longest ? find_last(parts_[i], text, end)
                                                             : find_first(parts_[i], text, end);
    if (at == kNone) return std::nullopt;
    end = at + parts_[i].size();
  }
  return Span{begin, end};
}

std::string Wildcard::trim_prefix(std::string_view value, Length length) const {
  const std::u32string text = decode(value);
  const auto match = find(text, 0, true, length);
  return match ? encode(std::u32string_view(text).substr(match->end)) : std::string(value);
}

std::string Wildcard::trim_suffix(std::string_view value, Length length) const {
  Wildcard mirror = *this;
  std::reverse(mirror.parts_.begin(), mirror.parts_.end());
  for (std::u32string& part : mirror.parts_) std::reverse(part.begin(), part.end());
  std::u32string text = decode(value);
  std::reverse(text.begin(), text.end());
  const auto match = mirror.find(text, 0, true, length);
  if (!match) return std::string(value);
  std::reverse(text.begin(), text.end());
  return encode(std::u32string_view(text).substr(0, text.size() - match->end));
}

std::string Wildcard::replace_first(std::string_view value, std::string_view replacement) const {
  const std::u32string text = decode(value);
  const auto match = find(text, 0, false, Length::Longest);
  if (!match) return std::string(value);
  const std::u32string_view all = text;
  return encode(all.substr(0, match->begin)) + std::string(replacement) +
         encode(all.substr(match->end));
}

std::string Wildcard::replace_all(std::string_view value, std::string_view replacement) const {
  const std::u32string text = decode(value);
  const std::u32string_view all = text;
  std::string out;
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto match = find(text, from, false, Length::Longest);
    if (!match) break;
    out += encode(all.substr(copied, match->begin - copied));
    // An empty match right behind another match does not count.
    if (match->end > copied || match->begin == 0)
      out +=
          expand_template(replacement, encode(all.substr(match->begin, match->end - match->begin)));
    copied = match->end;
    from = std::max(from + 1, match->end);
  }
  return out + encode(all.substr(copied));
}

}  // namespace strata::dockerfile::detail

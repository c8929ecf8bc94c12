#include "tar/detail/split_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/base64.h"
#include "tar/detail/utf8.h"

namespace strata::tar::detail {
namespace {

constexpr int kMaxDepth = 64;  // of the values of unknown keys
constexpr std::size_t kCrcBytes = 8;

Error corrupt(std::string_view what) {
  return Error(ErrorCode::Corrupt, "tar-split: " + std::string(what));
}

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 24> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// A character that may not stand in a string as it is; Go escapes those of HTML too.
void append_escaped(std::string& out, char c) {
  constexpr std::string_view kShort = "\"\"\\\\\bb\ff\nn\rr\tt";  // the character, its letter
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < kShort.size(); i += 2)
    if (kShort[i] == c) {
      out.append({'\\', kShort[i + 1]});
      return;
    }
  auto byte = static_cast<std::uint8_t>(c);
  out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
}

bool is_plain(char c) {
  return static_cast<std::uint8_t>(c) >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' &&
         c != '&' && c != '\xe2';
}

/// `text` is UTF-8.
void append_go_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    auto special = std::find_if_not(text.begin(), text.end(), is_plain);
    auto plain = static_cast<std::size_t>(special - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const bool line_separator = text.starts_with("\u2028");
    if (line_separator || text.starts_with("\u2029")) {
      out.append(line_separator ? "\\u2028" : "\\u2029");
      text.remove_prefix(3);
      continue;
    }
    if (text[0] == '\xe2') {
      out += text[0];
    } else {
      append_escaped(out, text[0]);
    }
    text.remove_prefix(1);
  }
  out += '"';
}

/// Walks over one JSON value after the other. Every function is false if the text is not JSON.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

  bool eat(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool integer(std::int64_t& value) {
    skip_blanks();
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return error == std::errc();
  }

  /// `value` lives until the next call. Control characters, which JSON wants escaped, pass.
  bool string(std::string_view& value) {
    if (!eat("\"")) return false;
    const auto quote = rest_.find('"');
    if (quote == std::string_view::npos) return false;
    const std::string_view plain = rest_.substr(0, quote);
    if (plain.find('\\') == std::string_view::npos) {
      value = plain;
      rest_.remove_prefix(quote + 1);
      return true;
    }
    if (!unescape()) return false;
    value = unescaped_;
    return true;
  }

  bool skip_value(int depth) {
    std::string_view ignored;
    if (depth > kMaxDepth) return false;
    if (eat("null") || eat("true") || eat("false")) return true;
    if (eat("[")) return skip_members(depth, "]", false);
    if (eat("{")) return skip_members(depth, "}", true);
    if (rest_.starts_with('"')) return string(ignored);
    return skip_number();
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() &&
           (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r' || rest_[0] == '\n'))
      rest_.remove_prefix(1);
  }

  bool skip_members(int depth, std::string_view close, bool keys) {
    if (eat(close)) return true;
    do {
      std::string_view key;
      if (keys && !(string(key) && eat(":"))) return false;
      if (!skip_value(depth + 1)) return false;
    } while (eat(","));
    return eat(close);
  }

  bool skip_number() {
    std::string_view token = rest_.substr(0, rest_.find_first_not_of("+-.0123456789eE"));
    double ignored = 0;
    auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), ignored);
    rest_.remove_prefix(token.size());
    return error != std::errc::invalid_argument && end == token.data() + token.size();
  }

  bool hex4(char32_t& value) {
    if (rest_.size() < 4) return false;
    std::uint32_t n = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, n, 16);
    if (error != std::errc() || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    value = n;
    return true;
  }

  /// After "\u": one character, which may take a second escape; half a pair is U+FFFD, as in Go.
  bool unicode_escape() {
    char32_t first = 0;
    if (!hex4(first)) return false;
    if (first >= 0xd800 && first < 0xdc00 && rest_.starts_with("\\u")) {
      std::string_view before = rest_;
      char32_t second = 0;
      rest_.remove_prefix(2);
      if (!hex4(second)) return false;
      if (second >= 0xdc00 && second < 0xe000) {
        append_utf8(unescaped_, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        return true;
      }
      rest_ = before;
    }
    append_utf8(unescaped_, first >= 0xd800 && first < 0xe000 ? 0xfffd : first);
    return true;
  }

  /// The rest of a string that has escapes.
  bool unescape() {
    constexpr std::string_view kShort = "\"\"\\\\//b\bf\fn\nr\rt\t";  // the letter, its character
    unescaped_.clear();
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        unescaped_ += c;
      } else if (eat_here('u')) {
        if (!unicode_escape()) return false;
      } else {
        std::size_t i = 0;
        while (i < kShort.size() && !(!rest_.empty() && rest_[0] == kShort[i])) i += 2;
        if (i == kShort.size()) return false;
        unescaped_ += kShort[i + 1];
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  bool eat_here(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  std::string unescaped_;
};

/// The keys as they stand in the line.
struct Line {
  std::int64_t type = 0;
  std::int64_t size = 0;
  std::int64_t position = -1;
  std::string name;
  std::string payload;
};

bool parse_base64(Cursor& cursor, std::string& out) {
  std::string_view text;
  out.clear();
  return cursor.string(text) && append_base64_decoded(out, text);
}

bool parse_member(Cursor& cursor, Line& line) {
  std::string_view text;
  if (!cursor.string(text)) return false;
  const std::string key(text);
  if (!cursor.eat(":")) return false;
  if (cursor.eat("null")) return true;
  if (key == "type") return cursor.integer(line.type);
  if (key == "size") return cursor.integer(line.size);
  if (key == "position") return cursor.integer(line.position);
  if (key == "payload") return parse_base64(cursor, line.payload);
  if (key == "name_raw") return parse_base64(cursor, line.name);
  if (key != "name") return cursor.skip_value(0);
  if (!cursor.string(text) || !is_utf8(text)) return false;
  line.name = text;
  return true;
}

std::optional<Line> parse_object(std::string_view text) {
  Cursor cursor(text);
  Line line;
  if (!cursor.eat("{")) return std::nullopt;
  do {
    if (!parse_member(cursor, line)) return std::nullopt;
  } while (cursor.eat(","));
  if (!cursor.eat("}") || !cursor.at_end()) return std::nullopt;
  return line;
}

Result<SplitEntry> to_file(Line line) {
  SplitEntry file;
  file.kind = SplitEntry::Kind::File;
  file.name = std::move(line.name);
  file.size = line.size;
  if (file.size < 0) return corrupt("negative size");
  if (file.name.find('\0') != std::string::npos) return corrupt("NUL in a name");
  if (file.size == 0) return file;
  if (line.payload.size() != kCrcBytes) return corrupt("file without checksum");
  for (char c : line.payload) file.crc = file.crc << 8 | static_cast<std::uint8_t>(c);
  return file;
}

}  // namespace

void append_segment_line(std::string& out, std::string_view bytes, std::int64_t position) {
  out += R"({"type":2,"payload":")";
  append_base64(out, bytes);
  out += R"(","position":)";
  append_number(out, position);
  out += "}\n";
}

void append_file_line(std::string& out, std::string_view name, std::int64_t size, std::uint64_t crc,
                      std::int64_t position) {
  out += R"({"type":1)";
  if (!is_utf8(name)) {
    out += R"(,"name_raw":")";
    append_base64(out, name);
    out += '"';
  } else if (!name.empty()) {
    out += R"(,"name":)";
    append_go_string(out, name);
  }
  if (size > 0) {
    std::array<char, kCrcBytes> bytes;
    for (std::size_t i = 0; i < kCrcBytes; i++) bytes[i] = static_cast<char>(crc >> (56 - 8 * i));
    out += R"(,"size":)";
    append_number(out, size);
    out += R"(,"payload":")";
    append_base64(out, {bytes.data(), bytes.size()});
    out += '"';
  } else {
    out += R"(,"payload":null)";
  }
  out += R"(,"position":)";
  append_number(out, position);
  out += "}\n";
}

Result<SplitEntry> parse_split_line(std::string_view text, std::int64_t position) {
  auto line = parse_object(text);
  if (!line) return corrupt("invalid entry " + std::to_string(position));
  if (line->position != position)
    return corrupt("position " + std::to_string(line->position) + " instead of " +
                   std::to_string(position));
  if (line->type == static_cast<int>(SplitEntry::Kind::File)) return to_file(*std::move(line));
  if (line->type != static_cast<int>(SplitEntry::Kind::Segment))
    return corrupt("unknown type " + std::to_string(line->type));
  SplitEntry segment;
  segment.kind = SplitEntry::Kind::Segment;
  segment.bytes = std::move(line->payload);
  return segment;
}

}  // namespace strata::tar::detail

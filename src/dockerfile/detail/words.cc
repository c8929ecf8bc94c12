#include "dockerfile/detail/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/unicode.h"

namespace strata::dockerfile::detail {
namespace {

// Takes the flag word at the front of `text`, quotes and escapes removed.
std::string take_flag(std::string_view& text, char escape) {
  std::string word;
  char quote = 0;
  std::size_t i = 0;
  for (; i < text.size(); i++) {
    const char c = text[i];
    if (quote == 0 && kBlanks.find(c) != kBlanks.npos) break;
    if (c == escape) {
      if (++i < text.size()) word += text[i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      word += c;
    }
  }
  text.remove_prefix(std::min(i, text.size()));
  return word;
}

// Finds the end of one word of split_words() and collects it.
class WordScanner {
 public:
  WordScanner(std::string_view text, char escape) : text_(text), escape_(escape) {}

  // Nothing at the end of the text.
  std::optional<std::string> next() {
    text_ = trim_left(text_);
    if (text_.empty()) return std::nullopt;
    std::string word;
    char quote = 0;
    while (!text_.empty()) {
      const Rune rune = decode_rune(text_, 0);
      if (quote == 0 && is_space(rune.value)) break;
      const char c = text_[0];
      if (c == escape_ && quote != '\'') {
        take_escaped(word);
        continue;
      }
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      }
      take(word, rune.size);
    }
    return word;
  }

 private:
  void take(std::string& word, std::size_t size) {
    word += text_.substr(0, size);
    text_.remove_prefix(size);
  }
  // The escape and what it keeps; an escape at the very end is dropped.
  void take_escaped(std::string& word) {
    if (text_.size() == 1) {
      text_ = {};
      return;
    }
    take(word, 1);
    take(word, decode_rune(text_, 0).size);
  }

  std::string_view text_;
  char escape_;
};

}  // namespace

CommandLine split_command(std::string_view line, char escape) {
  line = trim(line);
  const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
  CommandLine out;
  out.keyword = to_upper(line.substr(0, end));
  std::string_view rest = trim_left(line.substr(end));
  while (rest.starts_with("--")) {
    std::string flag = take_flag(rest, escape);
    rest = trim_left(rest);
    if (flag == "--") break;
    out.flags.push_back(std::move(flag));
  }
  out.rest = rest;
  return out;
}

std::vector<std::string> split_words(std::string_view text, char escape) {
  std::vector<std::string> words;
  WordScanner scanner(text, escape);
  while (auto word = scanner.next())
    if (!word->empty()) words.push_back(*std::move(word));
  return words;
}

Result<std::vector<KeyValue>> split_pairs(std::string_view text, std::string_view keyword,
                                          char escape) {
  const std::vector<std::string> words = split_words(text, escape);
  std::vector<KeyValue> pairs;
  if (words.empty()) return pairs;
  if (words[0].find('=') == std::string::npos) {  // the old form
    const std::size_t blank = text.find_first_of(kBlanks);
    if (blank == text.npos) return invalid(fmt::format("{} must have two arguments", keyword));
    const std::size_t value = std::min(text.find_first_not_of(kBlanks, blank), text.size());
    pairs.push_back({std::string(text.substr(0, blank)), std::string(text.substr(value))});
    return pairs;
  }
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
      return invalid(fmt::format(
          "Syntax error - can't find = in {}. Must be of the form: name=value", quote(word)));
    pairs.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  return pairs;
}

}  // namespace strata::dockerfile::detail

#include "dockerfile/expand.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/unicode.h"
#include "dockerfile/detail/wildcard.h"

namespace strata::dockerfile {
namespace {

using detail::invalid;
using detail::Wildcard;

constexpr int kMaxDepth = 100;                        // of ${a:-${b:-...}}
constexpr std::size_t kMaxResult = 16 * 1024 * 1024;  // bytes; `ENV A=$A$A` lines double it

// Collects the words of expand_words(): what is quoted or escaped never separates.
class WordList {
 public:
  void add_quoted(std::string_view text) { word_ += text; }
  void add_unquoted(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
      const detail::Rune rune = detail::decode_rune(text, i);
      if (detail::is_space(rune.value)) {
        end_word();
      } else {
        word_ += text.substr(i, rune.size);
      }
      i += rune.size;
    }
  }
  std::vector<std::string> take() {
    end_word();
    return std::move(words_);
  }

 private:
  void end_word() {
    if (!word_.empty()) words_.push_back(std::exchange(word_, {}));
  }

  std::vector<std::string> words_;
  std::string word_;
};

enum class Quotes : bool { Remove, Keep };
// Raw escapes stay in the text: in the patterns of ${v#p}, where they have a meaning of their own.
enum class Escapes : bool { Remove, Keep };

// One pass over one text.
class Expander {
 public:
  using Needed = std::function<void(std::string_view name)>;
  Expander(std::string_view text, char escape, Quotes quotes, const Lookup& lookup,
           const Needed* needed = nullptr)
      : text_(text), escape_(escape), quotes_(quotes), lookup_(lookup), needed_(needed) {}

  Result<std::string> all() { return until('\0', Escapes::Remove); }
  std::vector<std::string> words() { return words_.take(); }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool accept(char c) {
    if (at_end() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  std::string_view take_rune() {
    const std::string_view rune = text_.substr(at_, detail::decode_rune(text_, at_).size);
    at_ += rune.size();
    return rune;
  }

  // Expands up to `stop`, which is dropped, or to the end of the text if that is 0.
  Result<std::string> until(char stop, Escapes escapes);
  Result<std::string> single_quoted();
  Result<std::string> double_quoted(Escapes escapes);
  // What follows a '$'.
  Result<std::string> variable();
  Result<std::string> braced();
  // ${name<modifier>...}; `colon` for the forms that take an empty value as unset.
  Result<std::string> modified(const std::string& name, bool colon, char modifier);
  Result<std::string> replaced(const std::string& name);
  // until() for the parts of ${}: at the end of the text the brace is what is missing.
  Result<std::string> part(char stop, Escapes escapes, std::string_view missing);
  std::string take_name();
  // The value of a variable that leaves nothing behind if it is not set.
  std::string value_of(const std::string& name) {
    if (needed_ != nullptr) (*needed_)(name);
    return lookup_(name).value_or("");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  char escape_;
  Quotes quotes_;
  const Lookup& lookup_;
  const Needed* needed_;
  int depth_ = 0;
  WordList words_;  // of the outermost until()
};

Result<std::string> Expander::until(char stop, Escapes escapes) {
  std::string out;
  const auto add = [&](std::string_view piece, bool quoted) {
    out += piece;
    if (depth_ != 0) return;
    quoted ? words_.add_quoted(piece) : words_.add_unquoted(piece);
  };
  while (!at_end()) {
    if (out.size() > kMaxResult) return invalid("result is larger than 16 MiB");
    if (stop != '\0' && accept(stop)) return out;
    if (accept('$')) {
      add(TRY(variable()), false);
    } else if (quotes_ == Quotes::Remove && accept('\'')) {
      add(TRY(single_quoted()), true);
    } else if (quotes_ == Quotes::Remove && accept('"')) {
      add(TRY(double_quoted(escapes)), true);
    } else if (accept(escape_)) {
      if (escapes == Escapes::Keep) add({&escape_, 1}, true);
      if (!at_end()) add(take_rune(), true);
    } else {
      add(take_rune(), false);
    }
  }
  if (stop == '\0') return out;
  return invalid(fmt::format("unexpected end of statement while looking for matching {}", stop));
}

Result<std::string> Expander::single_quoted() {
  const std::size_t end = text_.find('\'', at_);
  if (end == text_.npos) {
    at_ = text_.size();
    return invalid("unexpected end of statement while looking for matching single-quote");
  }
  std::string out(text_.substr(at_, end - at_));
  at_ = end + 1;
  return out;
}

Result<std::string> Expander::double_quoted(Escapes escapes) {
  std::string out;
  while (!at_end()) {
    if (out.size() > kMaxResult) return invalid("result is larger than 16 MiB");
    if (accept('"')) return out;
    if (accept('$')) {
      out += TRY(variable());
    } else if (accept(escape_)) {
      if (at_end()) break;
      const bool meant = peek() == '"' || peek() == '$' || peek() == escape_;
      // Kept for a pattern, an escape that is none must be escaped itself.
      if (escapes == Escapes::Keep) out += escape_;
      out += meant ? take_rune() : std::string_view(&escape_, 1);
    } else {
      out += take_rune();
    }
  }
  return invalid("unexpected end of statement while looking for matching double-quote");
}

Result<std::string> Expander::variable() {
  if (accept('{')) {
    if (depth_ == kMaxDepth) return invalid("syntax error: substitutions are nested too deeply");
    depth_++;
    auto value = braced();
    depth_--;
    return value;
  }
  const std::string name = take_name();
  if (name.empty()) return std::string("$");
  return value_of(name);
}

Result<std::string> Expander::braced() {
  if (at_end()) return invalid("syntax error: missing '}'");
  if (peek() == '{' || peek() == '}' || peek() == ':')
    return invalid("syntax error: bad substitution");
  const std::string name = take_name();
  if (at_end()) return invalid("syntax error: missing '}'");
  if (accept('}')) return value_of(name);
  if (accept('/')) return replaced(name);
  const bool colon = accept(':');
  if (at_end()) return invalid("syntax error: missing '}'");
  const std::string_view modifier = take_rune();
  const std::string_view known = colon ? "+-?" : "+-?#%";
  if (modifier.size() != 1 || known.find(modifier[0]) == known.npos)
    return invalid(fmt::format("unsupported modifier ({}) in substitution", modifier));
  return modified(name, colon, modifier[0]);
}

Result<std::string> Expander::part(char stop, Escapes escapes, std::string_view missing) {
  auto text = until(stop, escapes);
  if (!text && at_end()) return invalid(std::string(missing));
  return text;
}

Result<std::string> Expander::modified(const std::string& name, bool colon, char modifier) {
  const bool pattern = modifier == '#' || modifier == '%';
  const std::optional<std::string> value = lookup_(name);
  const bool missing = !value || (colon && value->empty());
  // What stands in a word that is not used is not needed.
  const bool used = pattern || missing == (modifier != '+');
  const Needed* const needed = std::exchange(needed_, used ? needed_ : nullptr);
  auto parsed = part('}', pattern ? Escapes::Keep : Escapes::Remove, "syntax error: missing '}'");
  needed_ = needed;
  std::string word = TRY(std::move(parsed));
  switch (modifier) {
    case '-':
      return missing ? word : *value;
    case '+':
      return missing ? std::string() : word;
    case '?':
      if (!missing) return *value;
      if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
      return invalid(fmt::format("{}: {}", name, word));
    default:
      break;
  }
  const bool longest = word.starts_with(modifier);
  const auto length = longest ? Wildcard::Length::Longest : Wildcard::Length::Shortest;
  const Wildcard wildcard = TRY(Wildcard::parse(std::string_view(word).substr(longest ? 1 : 0)));
  const std::string text = value_of(name);
  return modifier == '#' ? wildcard.trim_prefix(text, length) : wildcard.trim_suffix(text, length);
}

Result<std::string> Expander::replaced(const std::string& name) {
  const bool everywhere = accept('/');
  const std::string pattern = TRY(part('/', Escapes::Keep, "syntax error: missing '/' in ${}"));
  const std::string replacement = TRY(part('}', Escapes::Keep, "syntax error: missing '}'"));
  const std::string value = value_of(name);
  const Wildcard wildcard = TRY(Wildcard::parse(pattern));
  if (!everywhere) return wildcard.replace_first(value, replacement);
  if (replacement.size() > 1 && (value.size() + 1) > kMaxResult / replacement.size())
    return invalid("result is larger than 16 MiB");
  return wildcard.replace_all(value, replacement);
}

// A name; or all of a number; or one special parameter; or nothing.
std::string Expander::take_name() {
  const std::size_t start = at_;
  const auto take_while = [&](auto accepts) {
    while (!at_end()) {
      const detail::Rune rune = detail::decode_rune(text_, at_);
      if (!accepts(rune.value)) break;
      at_ += rune.size;
    }
  };
  take_while(detail::is_digit);
  constexpr std::string_view kSpecial = "@*#?-$!";
  if (at_ == start && !at_end() && kSpecial.find(peek()) != kSpecial.npos) {
    at_++;
  } else if (at_ == start) {
    take_while([](char32_t r) { return r == '_' || detail::is_letter(r) || detail::is_digit(r); });
  }
  return std::string(text_.substr(start, at_ - start));
}

Result<std::string> expand(Expander& expander, std::string_view text) {
  auto value = expander.all();
  if (!value) value.error().add_context(fmt::format("failed to process {}", detail::quote(text)));
  return value;
}

}  // namespace

Result<std::string> expand_word(std::string_view word, char escape, const Lookup& lookup) {
  Expander expander(word, escape, Quotes::Remove, lookup);
  return expand(expander, word);
}

Result<std::vector<std::string>> expand_words(std::string_view text, char escape,
                                              const Lookup& lookup) {
  Expander expander(text, escape, Quotes::Remove, lookup);
  TRY(expand(expander, text));
  return expander.words();
}

Result<std::string> expand_heredoc(std::string_view body, char escape, const Lookup& lookup) {
  Expander expander(body, escape, Quotes::Keep, lookup);
  return expand(expander, body);
}

void find_variables(std::string_view word, char escape, const Lookup& lookup,
                    const std::function<void(std::string_view name)>& needed) {
  Expander expander(word, escape, Quotes::Remove, lookup, &needed);
  (void)expander.all();  // the build reports what is wrong with it
}

}  // namespace strata::dockerfile

#include "dockerfile/detail/pattern.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <span>
#include <utility>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/unicode.h"

namespace strata::dockerfile::detail {

class PatternCompiler {
 public:
  PatternCompiler(std::string_view text, Pattern::Syntax syntax) : rest_(text), syntax_(syntax) {}

  // False if the pattern is malformed.
  bool run() {
    while (!rest_.empty())
      if (!token()) return false;
    return true;
  }
  Pattern take() {
    for (const Pattern::Token& token : out_.tokens_)
      if (token.kind == Kind::Text &&
          token.end - token.begin > out_.longest_.end - out_.longest_.begin)
        out_.longest_ = token;
    return std::move(out_);
  }

 private:
  using Kind = Pattern::Kind;

  bool token() {
    const bool first = out_.tokens_.empty();
    if (syntax_ == Pattern::Syntax::DoubleStar && accept("**")) {
      double_star(first);
      return true;
    }
    if (accept("*")) {
      add(Kind::AnyRun);
      return true;
    }
    if (accept("?")) {
      add(Kind::AnyOne);
      return true;
    }
    if (accept("[")) return char_class();
    if (accept("\\")) {
      if (rest_.empty() || !may_escape(rest_[0])) return false;
    }
    add_text(rest_.substr(0, 1));
    rest_.remove_prefix(1);
    return true;
  }

  void double_star(bool first) {
    const bool slash = accept("/");
    // docker's shortcut for "**" in front of plain text: it looks at the end of the path only.
    const bool suffix = first && !slash && rest_.find_first_of("*?[]\\") == rest_.npos;
    add(rest_.empty() || suffix ? Kind::Rest : Kind::AnyDirs);
  }

  // docker makes a regular expression of the pattern, in which an escaped letter, digit or byte
  // beyond ASCII means something else or is an error.
  bool may_escape(char c) const {
    if (syntax_ == Pattern::Syntax::FilepathMatch) return true;
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !alphanumeric && static_cast<unsigned char>(c) < 0x80;
  }

  bool char_class() {
    Pattern::Token token{Kind::Class};
    token.negated = accept("^");
    token.begin = static_cast<std::uint32_t>(out_.ranges_.size());
    do {
      const auto low = class_rune();
      if (!low) return false;
      const auto high = accept("-") ? class_rune() : low;
      if (!high) return false;
      out_.ranges_.push_back({*low, *high});
    } while (!accept("]"));
    token.end = static_cast<std::uint32_t>(out_.ranges_.size());
    out_.tokens_.push_back(token);
    return true;
  }

  // One end of a range; the class must go on behind it.
  std::optional<char32_t> class_rune() {
    if (rest_.empty() || rest_[0] == '-' || rest_[0] == ']') return std::nullopt;
    accept("\\");
    if (rest_.empty()) return std::nullopt;
    const Rune rune = decode_rune(rest_, 0);
    rest_.remove_prefix(rune.size);
    const bool bad = rune.value >= kBadByte && rune.value <= kBadByte + 0xFF;
    if (bad || rest_.empty()) return std::nullopt;
    return rune.value;
  }

  bool accept(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void add(Kind kind) { out_.tokens_.push_back({kind}); }
  void add_text(std::string_view text) {
    const auto begin = static_cast<std::uint32_t>(out_.text_.size());
    out_.text_ += text;
    const auto end = static_cast<std::uint32_t>(out_.text_.size());
    if (!out_.tokens_.empty() && out_.tokens_.back().kind == Kind::Text) {
      out_.tokens_.back().end = end;
    } else {
      out_.tokens_.push_back({Kind::Text, false, begin, end});
    }
  }

  std::string_view rest_;
  Pattern::Syntax syntax_;
  Pattern out_;
};

// One pattern against one path.
class PatternRun {
 public:
  PatternRun(const Pattern& pattern, std::string_view path)
      : pattern_(pattern), path_(path), words_(path.size() / kBits + 1) {
    std::uint64_t* memory = stack_.data();
    if (2 * words_ > stack_.size()) {
      heap_.resize(2 * words_);
      memory = heap_.data();
    }
    now_ = {memory, words_};
    next_ = {memory + words_, words_};
    std::fill(now_.begin(), now_.end(), 0);
    now_[0] = 1;
  }
  PatternRun(const PatternRun&) = delete;
  PatternRun& operator=(const PatternRun&) = delete;

  // False if nothing matches. Afterwards positions() are the places where a match can end.
  bool run() {
    return std::all_of(pattern_.tokens_.begin(), pattern_.tokens_.end(),
                       [&](const Pattern::Token& t) { return step(t); });
  }
  // Whether some text that begins with the path may match.
  bool run_as_beginning() {
    for (const Pattern::Token& token : pattern_.tokens_) {
      if (holds(now_, path_.size()) || text_goes_on(token)) return true;
      if (!step(token)) return false;
    }
    return holds(now_, path_.size());
  }
  bool ends_at(std::size_t at) const { return holds(now_, at); }

 private:
  using Kind = Pattern::Kind;
  using Set = std::span<std::uint64_t>;
  static constexpr std::size_t kBits = 64;

  static bool holds(Set set, std::size_t at) { return (set[at / kBits] >> at % kBits & 1) != 0; }
  static void insert(Set set, std::size_t at) { set[at / kBits] |= std::uint64_t{1} << at % kBits; }

  template <class F>
  void for_each_position(F f) const {
    for (std::size_t w = 0; w < words_; w++)
      for (std::uint64_t bits = now_[w]; bits != 0; bits &= bits - 1)
        f(w * kBits + static_cast<std::size_t>(std::countr_zero(bits)));
  }

  std::string_view text_of(const Pattern::Token& token) const { return pattern_.text_of(token); }

  // Moves all positions over `token`; false if none is left.
  bool step(const Pattern::Token& token) {
    std::fill(next_.begin(), next_.end(), 0);
    switch (token.kind) {
      case Kind::Text:
        over_text(text_of(token));
        break;
      case Kind::AnyOne:
        over_one([](char32_t rune) { return rune != '/'; });
        break;
      case Kind::Class:
        over_one([&](char32_t rune) { return in_class(token, rune); });
        break;
      case Kind::AnyRun:
        over_run();
        break;
      case Kind::AnyDirs:
        for_each_position([&](std::size_t at) { insert(next_, at); });
        over_rest([&](std::size_t at) { return path_[at - 1] == '/'; });
        break;
      case Kind::Rest:
        for_each_position([&](std::size_t at) { insert(next_, at); });
        over_rest([](std::size_t) { return true; });
        break;
    }
    std::swap(now_, next_);
    return std::any_of(now_.begin(), now_.end(), [](std::uint64_t w) { return w != 0; });
  }

  void over_text(std::string_view text) {
    for_each_position([&](std::size_t at) {
      if (path_.substr(at).starts_with(text)) insert(next_, at + text.size());
    });
  }
  template <class Accepts>
  void over_one(Accepts accepts) {
    for_each_position([&](std::size_t at) {
      if (at == path_.size()) return;
      const Rune rune = decode_rune(path_, at);
      if (accepts(rune.value)) insert(next_, at + rune.size);
    });
  }
  void over_run() {
    for_each_position([&](std::size_t at) {
      while (!holds(next_, at)) {
        insert(next_, at);
        if (at == path_.size() || path_[at] == '/') break;
        at += decode_rune(path_, at).size;
      }
    });
  }
  // All positions behind the first one that `accepts` likes.
  template <class Accepts>
  void over_rest(Accepts accepts) {
    std::size_t first = path_.size();
    for_each_position([&](std::size_t at) { first = std::min(first, at); });
    for (std::size_t at = first + 1; at <= path_.size(); at++)
      if (accepts(at)) insert(next_, at);
  }

  bool in_class(const Pattern::Token& token, char32_t rune) const {
    bool found = false;
    for (std::uint32_t i = token.begin; i < token.end; i++)
      found = found || (pattern_.ranges_[i].low <= rune && rune <= pattern_.ranges_[i].high);
    return found != token.negated;
  }

  // Whether the path ends within the text of `token`.
  bool text_goes_on(const Pattern::Token& token) const {
    if (token.kind != Kind::Text) return false;
    bool found = false;
    for_each_position(
        [&](std::size_t at) { found = found || text_of(token).starts_with(path_.substr(at)); });
    return found;
  }

  const Pattern& pattern_;
  std::string_view path_;
  std::size_t words_;  // of each set
  Set now_;            // where what was matched so far can end
  Set next_;
  std::array<std::uint64_t, 2 * (4096 / kBits + 1)> stack_;
  std::vector<std::uint64_t> heap_;  // for paths that the kernel would not take
};

Result<Pattern> Pattern::compile(std::string_view text, Syntax syntax) {
  PatternCompiler compiler(text, syntax);
  if (!compiler.run()) return invalid("syntax error in pattern");
  return compiler.take();
}

bool Pattern::may_match(std::string_view path) const {
  const bool text_first = !tokens_.empty() && tokens_[0].kind == Kind::Text;
  if (text_first && !path.starts_with(text_of(tokens_[0]))) return false;
  return path.find(text_of(longest_)) != path.npos;
}

bool Pattern::matches(std::string_view path) const {
  if (!may_match(path)) return false;
  PatternRun run(*this, path);
  return run.run() && run.ends_at(path.size());
}

bool Pattern::covers(std::string_view path) const {
  if (!may_match(path)) return false;
  if (tokens_.size() == 1 && tokens_[0].kind == Kind::Text)
    return path.size() == text_.size() || path[text_.size()] == '/';
  PatternRun run(*this, path);
  if (!run.run()) return false;
  for (std::size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1))
    if (run.ends_at(at)) return true;
  return run.ends_at(path.size());
}

bool Pattern::may_match_below(std::string_view dir) const {
  if (dir.empty() || dir == ".") return true;
  const std::string inside = std::string(dir) + '/';
  return PatternRun(*this, inside).run_as_beginning();
}

}  // namespace strata::dockerfile::detail

#include "registry/detail/hosts_toml.h"

#include <algorithm>

namespace strata::registry::detail {
namespace {

/// A value: a string, a word (true, 12) or an array.
struct TomlValue {
  std::string text;
  bool is_array = false;
  std::vector<TomlValue> items;

  std::vector<std::string> strings() const {
    if (!is_array) return {text};
    std::vector<std::string> out;
    for (const auto& item : items)
      if (!item.is_array) out.push_back(item.text);
    return out;
  }
};

constexpr int kMaxDepth = 8;

class TomlParser {
 public:
  explicit TomlParser(std::string_view text) : text_(text) {}

  Result<HostsToml> parse() {
    for (skip_lines(); at_ < text_.size(); skip_lines()) {
      if (text_[at_] == '[')
        TRY(read_table());
      else
        TRY(read_member());
      skip_blanks();
      if (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '#')
        return wrong("something follows the value");
    }
    return std::move(result_);
  }

 private:
  Error wrong(std::string_view why) const {
    auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return Error(ErrorCode::Corrupt, fmt::format("line {}: {}", line, why));
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
      at_++;
  }
  /// Also over comments and line ends.
  void skip_lines() {
    for (;;) {
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ == text_.size() || text_[at_] != '\n') return;
      at_++;
    }
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }

  Result<std::string> read_string() {
    char quote = text_[at_++];
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '\n'; at_++) {
      char c = text_[at_];
      if (c == quote) {
        at_++;
        return out;
      }
      if (c == '\\' && quote == '"') {
        if (++at_ == text_.size()) break;
        c = text_[at_];
        if (c == 'n')
          c = '\n';
        else if (c == 't')
          c = '\t';
        else if (c != '"' && c != '\\')
          return wrong("unknown escape");
      }
      out += c;
    }
    return wrong("a string does not end");
  }

  /// A bare or quoted part of a key, or a bare value.
  Result<std::string> read_word() {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return read_string();
    std::string out;
    for (; at_ < text_.size(); at_++) {
      char c = text_[at_];
      bool is_bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '+';
      if (!is_bare) break;
      out += c;
    }
    if (out.empty()) return wrong("a name or a value is missing");
    return out;
  }

  Result<std::vector<std::string>> read_key() {
    std::vector<std::string> key;
    do {
      skip_blanks();
      auto word = TRY(read_word());
      key.push_back(std::move(word));
      skip_blanks();
    } while (take('.'));
    return key;
  }

  Result<TomlValue> read_value(int depth) {
    TomlValue value;
    if (!take('[')) {
      value.text = TRY(read_word());
      while (take('.')) value.text += '.' + TRY(read_word());  // a number with a fraction
      return value;
    }
    if (depth == kMaxDepth) return wrong("arrays nest too deeply");
    value.is_array = true;
    for (skip_lines(); !take(']'); skip_lines()) {
      auto item = TRY(read_value(depth + 1));
      value.items.push_back(std::move(item));
      skip_lines();
      if (!take(',') && (at_ == text_.size() || text_[at_] != ']'))
        return wrong("an array does not end");
    }
    return value;
  }

  Result<void> read_table() {
    at_++;
    if (take('[')) return wrong("arrays of tables are not supported");
    auto key = TRY(read_key());
    if (!take(']')) return wrong("a table's name does not end");
    current_ = nullptr;
    if (key.size() != 2 || key[0] != "host") return {};
    result_.hosts.emplace_back().url = key[1];
    current_ = &result_.hosts.back();
    return {};
  }

  Result<void> read_member() {
    auto key = TRY(read_key());
    if (!take('=')) return wrong("\"=\" is missing");
    skip_blanks();
    auto value = TRY(read_value(0));
    if (current_ == nullptr || key.size() != 1) return {};
    if (key[0] == "server" && current_ == &result_.server) current_->url = value.text;
    set(*current_, key[0], value);
    return {};
  }

  static void set(TomlHost& host, const std::string& key, const TomlValue& value) {
    if (key == "capabilities") {
      auto words = value.strings();
      auto has = [&](const char* word) {
        return std::find(words.begin(), words.end(), word) != words.end();
      };
      host.has_capabilities = true;
      host.can_pull = has("pull") && has("resolve");
      host.can_push = has("push");
    } else if (key == "ca") {
      host.authorities = value.strings();
    } else if (key == "client") {
      host.certificates.clear();
      bool pairs = value.is_array && !value.items.empty() && value.items[0].is_array;
      if (!pairs)
        for (const auto& file : value.strings()) host.certificates.emplace_back(file, "");
      for (const auto& item : value.items) {
        auto files = item.strings();
        if (pairs && files.size() == 2) host.certificates.emplace_back(files[0], files[1]);
      }
    } else if (key == "skip_verify") {
      host.verify = value.text != "true";
    } else if (key == "override_path") {
      host.override_path = value.text == "true";
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  HostsToml result_;
  TomlHost* current_ = &result_.server;
};

}  // namespace

Result<HostsToml> parse_hosts_toml(std::string_view text) { return TomlParser(text).parse(); }

}  // namespace strata::registry::detail

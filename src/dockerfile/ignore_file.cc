#include "dockerfile/ignore_file.h"

#include <utility>

#include "dockerfile/detail/text.h"

namespace strata::dockerfile {
namespace {

// As Go's filepath.Clean: no empty and "." names, ".." taken together with the name before it.
std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name.empty() || name == ".") continue;
    if (name != ".." || (names.empty() && !rooted) || (!names.empty() && names.back() == "..")) {
      names.push_back(name);
    } else if (!names.empty()) {
      names.pop_back();
    }
  }
  std::string out = rooted ? "/" : "";
  for (std::size_t i = 0; i < names.size(); i++) {
    if (i > 0) out += '/';
    out += names[i];
  }
  return out.empty() ? "." : out;
}

}  // namespace

Result<IgnoreMatcher> IgnoreMatcher::parse(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  IgnoreMatcher matcher;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with('#')) TRY(matcher.add(line));
  }
  return matcher;
}

Result<IgnoreMatcher> IgnoreMatcher::compile(std::span<const std::string> patterns) {
  IgnoreMatcher matcher;
  for (const std::string& pattern : patterns) TRY(matcher.add(pattern));
  return matcher;
}

Result<void> IgnoreMatcher::add(std::string_view line) {
  std::string_view text = detail::trim(line);
  if (text.empty()) return {};
  const bool exception = text.starts_with('!');
  if (exception) text = detail::trim(text.substr(1));
  if (text.empty()) return detail::invalid("illegal exclusion pattern: \"!\"");
  std::string path = clean_path(text);
  if (path.size() > 1 && path[0] == '/') path.erase(0, 1);
  rules_.push_back(
      {TRY(detail::Pattern::compile(path, detail::Pattern::Syntax::DoubleStar)), exception});
  return {};
}

std::size_t IgnoreMatcher::deciding_rule(std::string_view path) const {
  if (path.empty() || path == ".") return rules_.size();
  for (std::size_t i = rules_.size(); i-- > 0;)
    if (rules_[i].pattern.covers(path)) return i;
  return rules_.size();
}

bool IgnoreMatcher::ignored(std::string_view path) const {
  const std::size_t rule = deciding_rule(path);
  return rule < rules_.size() && !rules_[rule].exception;
}

bool IgnoreMatcher::may_prune(std::string_view dir) const {
  const std::size_t rule = deciding_rule(dir);
  if (rule == rules_.size() || rules_[rule].exception) return false;
  // The rule that decides covers all that is below, so only later ones can bring something back.
  for (std::size_t i = rule + 1; i < rules_.size(); i++)
    if (rules_[i].exception && rules_[i].pattern.may_match_below(dir)) return false;
  return true;
}

}  // namespace strata::dockerfile

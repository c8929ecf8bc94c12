#include "build/mode_change.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace strata::build {
namespace {

constexpr mode_t kAll = 07777;

std::optional<mode_t> octal(std::string_view text) {
  unsigned mode = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > kAll) return std::nullopt;
  return static_cast<mode_t>(mode);
}

/// The bits of "u", "g", "o" or "a"; 0 for another letter.
mode_t bits_of_who(char c) {
  switch (c) {
    case 'u':
      return S_ISUID | S_IRWXU;
    case 'g':
      return S_ISGID | S_IRWXG;
    case 'o':
      return S_ISVTX | S_IRWXO;
    case 'a':
      return kAll;
    default:
      return 0;
  }
}

/// The bits of a permission letter, for everyone; 0 for another letter.
mode_t bits_of_permission(char c) {
  switch (c) {
    case 'r':
      return 0444;
    case 'w':
      return 0222;
    case 'x':
      return 0111;
    case 's':
      return S_ISUID | S_ISGID;
    case 't':
      return S_ISVTX;
    default:
      return 0;
  }
}

bool is_operation(char c) { return c == '-' || c == '+' || c == '='; }

}  // namespace

Result<ModeChange> ModeChange::parse(std::string_view text) {
  ModeChange change;
  if (auto mode = octal(text)) {
    change.actions_.push_back({'=', kAll, *mode, false});
    return change;
  }
  Error invalid(ErrorCode::InvalidArgument,
                fmt::format("invalid chmod parameter: '{}'. it should be octal string and between "
                            "0 and 07777",
                            text));
  if (text.empty() || is_digit(text[0])) return invalid;
  for (std::string_view clause : split(text, ',')) {
    std::size_t i = 0;
    mode_t who = 0;
    for (; i < clause.size() && bits_of_who(clause[i]) != 0; i++) who |= bits_of_who(clause[i]);
    if (i == 0) who = kAll;
    if (i == clause.size()) return invalid;
    while (i < clause.size()) {
      if (!is_operation(clause[i])) return invalid;
      Action action{clause[i++], who, 0, false};
      for (; i < clause.size() && !is_operation(clause[i]); i++) {
        if (clause[i] == 'X')
          action.conditional = true;
        else if (mode_t bits = bits_of_permission(clause[i]); bits != 0)
          action.bits |= bits;
        else
          return invalid;
      }
      change.actions_.push_back(action);
    }
  }
  return change;
}

mode_t ModeChange::apply(mode_t mode) const {
  mode_t now = mode & kAll;
  for (const auto& action : actions_) {
    mode_t bits = action.bits;
    if (action.conditional && (S_ISDIR(mode) || (now & 0111) != 0)) bits |= 0111;
    bits &= action.who;
    if (action.operation == '+')
      now |= bits;
    else if (action.operation == '-')
      now &= ~bits;
    else
      now = (now & ~action.who) | bits;
  }
  return now;
}

}  // namespace strata::build

#include "cli/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "image/go_quote.h"

namespace strata::cli {
namespace {

Error invalid(std::string message) { return {ErrorCode::InvalidArgument, std::move(message)}; }

Error number_error(std::string_view function, std::string_view text, std::string_view why) {
  return invalid(fmt::format("strconv.{}: parsing {}: {}", function, go_quote(text), why));
}

struct Base {
  int base;
  std::size_t prefix;  // characters to skip
};

Base base_of(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return {10, 0};
  switch (digits[1] | 0x20) {
    case 'x':
      return {16, 2};
    case 'o':
      return {8, 2};
    case 'b':
      return {2, 2};
    default:
      return {8, 1};
  }
}

// One record of RFC 4180, as pflag reads the value of a "strings" flag.
Result<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      fields.back() += text[i++];
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == '"') {
      return invalid(
          fmt::format("parse error on line 1, column {}: bare \" in non-quoted-field", i + 1));
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) {
    return invalid(
        fmt::format("parse error on line 1, column {}: extraneous or missing \" in "
                    "quoted-field",
                    text.size() + 1));
  }
  return fields;
}

template <class T>
FlagSetter set_bool(T& v) {
  return [&v](std::string_view text) -> Result<void> {
    v = TRY(parse_go_bool(text));
    return {};
  };
}
template <class T>
FlagSetter set_int(T& v) {
  return [&v](std::string_view text) -> Result<void> {
    v = TRY(parse_go_int(text));
    return {};
  };
}
template <class T>
FlagSetter set_text(T& v) {
  return [&v](std::string_view text) -> Result<void> {
    v = std::string(text);
    return {};
  };
}

}  // namespace

Result<bool> parse_go_bool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return number_error("ParseBool", text, "invalid syntax");
}

Result<std::int64_t> parse_go_int(std::string_view text) {
  const auto bad = [&] { return number_error("ParseInt", text, "invalid syntax"); };
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return bad();
  if (digits.back() == '_' || digits.find("__") != std::string_view::npos) return bad();

  const Base form = base_of(digits);
  std::string plain;
  for (const char c : digits.substr(form.prefix)) {
    if (c != '_') plain += c;
  }
  std::uint64_t n = 0;
  const char* const last = plain.data() + plain.size();
  const auto [end, error] = std::from_chars(plain.data(), last, n, form.base);
  if (end != last || error == std::errc::invalid_argument) return bad();
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (error != std::errc() || n > kMax + (negative ? 1 : 0)) {
    return number_error("ParseInt", text, "value out of range");
  }
  return static_cast<std::int64_t>(negative ? 0 - n : n);
}

Flag& Flag::hidden() {
  hidden_ = true;
  return *this;
}
Flag& Flag::deprecated(std::string_view advice) {
  advice_ = advice;
  return hidden();
}
Flag& Flag::type(std::string_view word) {
  type_ = word;
  return *this;
}
Flag& Flag::default_text(std::string_view text) {
  default_ = text;
  return *this;
}
Flag& Flag::check(FlagSetter check) {
  check_ = std::move(check);
  return *this;
}

Flag& Flag::value_if_bare(std::string_view value) {
  bare_ = value;
  return *this;
}

std::string Flag::label() const {
  return shorthand_ == 0 ? "--" + name_ : fmt::format("-{}, --{}", shorthand_, name_);
}

Flag& FlagSet::append(std::string_view name, char shorthand, std::string_view usage,
                      std::string_view type) {
  Flag& flag = flags_.emplace_back();
  flag.name_ = name;
  flag.shorthand_ = shorthand;
  flag.usage_ = usage;
  flag.type_ = type;
  return flag;
}

Flag& FlagSet::add_value(FlagSetter set, std::string_view type, std::string_view name,
                         char shorthand, std::string_view usage) {
  Flag& flag = append(name, shorthand, usage, type);
  flag.set_ = std::move(set);
  return flag;
}

Flag& FlagSet::add(bool& v, std::string_view name, char shorthand, std::string_view usage) {
  Flag& flag = add_value(set_bool(v), "", name, shorthand, usage).value_if_bare("true");
  flag.bool_ = true;
  return v ? flag.default_text("true") : flag;
}

Flag& FlagSet::add(std::optional<bool>& v, std::string_view name, char shorthand,
                   std::string_view usage) {
  Flag& flag = add_value(set_bool(v), "", name, shorthand, usage).value_if_bare("true");
  flag.bool_ = true;
  return flag;
}

Flag& FlagSet::add(std::string& v, std::string_view name, char shorthand, std::string_view usage) {
  Flag& flag = add_value(set_text(v), "string", name, shorthand, usage);
  return v.empty() ? flag : flag.default_text(go_quote(v));
}

Flag& FlagSet::add(std::optional<std::string>& v, std::string_view name, char shorthand,
                   std::string_view usage) {
  return add_value(set_text(v), "string", name, shorthand, usage);
}

Flag& FlagSet::add(std::int64_t& v, std::string_view name, char shorthand, std::string_view usage) {
  Flag& flag = add_value(set_int(v), "int", name, shorthand, usage);
  return v == 0 ? flag : flag.default_text(std::to_string(v));
}

Flag& FlagSet::add(std::optional<std::int64_t>& v, std::string_view name, char shorthand,
                   std::string_view usage) {
  return add_value(set_int(v), "int", name, shorthand, usage);
}

Flag& FlagSet::add(std::vector<std::string>& v, std::string_view name, char shorthand,
                   std::string_view usage) {
  const auto append_text = [&v](std::string_view text) -> Result<void> {
    v.emplace_back(text);
    return {};
  };
  return add_value(append_text, "list", name, shorthand, usage);
}

Flag& FlagSet::add_csv(std::vector<std::string>& v, std::string_view name, char shorthand,
                       std::string_view usage) {
  const auto append_fields = [&v](std::string_view text) -> Result<void> {
    if (text.empty()) return {};
    auto fields = TRY(parse_csv(text));
    v.insert(v.end(), fields.begin(), fields.end());
    return {};
  };
  return add_value(append_fields, "strings", name, shorthand, usage);
}

/// A parse in progress: the arguments, where it stands, and what it found.
struct FlagSet::Parse {
  std::span<const std::string> args;
  std::size_t next = 0;
  ParsedFlags found;

  bool at_end() const { return next == args.size(); }
  void take_rest() {
    found.operands.insert(found.operands.end(), args.begin() + static_cast<std::ptrdiff_t>(next),
                          args.end());
    next = args.size();
  }
};

Result<ParsedFlags> FlagSet::parse(std::span<const std::string> args) {
  for (Flag& flag : flags_) flag.times_ = 0;
  Parse p{args, 0, {}};
  while (!p.at_end() && !p.found.help && !p.found.short_help) {
    const std::string& arg = args[p.next];
    if (arg.size() < 2 || arg[0] != '-') {
      if (!interspersed_) {
        p.take_rest();
      } else {
        p.found.operands.push_back(arg);
        p.next++;
      }
      continue;
    }
    p.next++;
    if (arg == "--") {
      p.take_rest();
    } else if (arg[1] == '-') {
      TRY(parse_long(p, arg));
    } else {
      TRY(parse_short(p, arg));
    }
  }
  return std::move(p.found);
}

Result<void> FlagSet::parse_long(Parse& p, const std::string& arg) {
  const std::string_view text = std::string_view(arg).substr(2);
  if (text[0] == '-' || text[0] == '=') return invalid("bad flag syntax: " + arg);
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  Flag* flag = const_cast<Flag*>(find(name));
  if (flag == nullptr && name == "help") {
    p.found.help = true;
    return {};
  }
  if (flag == nullptr) return invalid(fmt::format("unknown flag: --{}", name));
  if (equals != std::string_view::npos) return assign(p, *flag, text.substr(equals + 1));
  if (flag->bare_) return assign(p, *flag, *flag->bare_);
  if (p.at_end()) return invalid("flag needs an argument: " + arg);
  return assign(p, *flag, p.args[p.next++]);
}

Result<void> FlagSet::parse_short(Parse& p, const std::string& arg) {
  for (std::string_view rest = std::string_view(arg).substr(1); !rest.empty();) {
    Flag* flag = by_shorthand(rest[0]);
    if (flag == nullptr && rest[0] == 'h') {
      p.found.short_help = true;
      return {};
    }
    const auto about = [&](std::string_view what) {
      return invalid(fmt::format("{}: {} in -{}", what,
                                 go_quote_rune(static_cast<unsigned char>(rest[0])), rest));
    };
    if (flag == nullptr) return about("unknown shorthand flag");
    if (rest.size() > 2 && rest[1] == '=') return assign(p, *flag, rest.substr(2));
    if (flag->bare_) {
      TRY(assign(p, *flag, *flag->bare_));
      rest.remove_prefix(1);
      continue;
    }
    if (rest.size() > 1) return assign(p, *flag, rest.substr(1));
    if (p.at_end()) return about("flag needs an argument");
    return assign(p, *flag, p.args[p.next++]);
  }
  return {};
}

Result<void> FlagSet::assign(Parse& p, Flag& flag, std::string_view value) {
  auto set = flag.check_ ? flag.check_(value) : Result<void>();
  if (set) set = flag.set_(value);
  if (!set) {
    return invalid(fmt::format("invalid argument {} for {} flag: {}", go_quote(value),
                               go_quote(flag.label()), set.error().message()));
  }
  if (flag.times_++ == 0 && !flag.advice_.empty()) {
    p.found.notices.push_back(
        fmt::format("Flag --{} has been deprecated, {}", flag.name_, flag.advice_));
  }
  return {};
}

Flag* FlagSet::by_shorthand(char c) {
  const auto it = std::find_if(flags_.begin(), flags_.end(),
                               [&](const Flag& f) { return c != 0 && f.shorthand_ == c; });
  return it == flags_.end() ? nullptr : &*it;
}

const Flag* FlagSet::find(std::string_view name) const {
  const auto it =
      std::find_if(flags_.begin(), flags_.end(), [&](const Flag& f) { return f.name_ == name; });
  return it == flags_.end() ? nullptr : &*it;
}

bool FlagSet::given(std::string_view name) const {
  const Flag* flag = find(name);
  return flag != nullptr && flag->times_ > 0;
}

std::vector<const Flag*> FlagSet::sorted() const {
  std::vector<const Flag*> list;
  for (const Flag& flag : flags_) list.push_back(&flag);
  std::sort(list.begin(), list.end(),
            [](const Flag* a, const Flag* b) { return a->name_ < b->name_; });
  return list;
}

}  // namespace strata::cli

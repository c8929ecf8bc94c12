#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::cli {

/// Takes one value as the user typed it. An error's message ends the line
/// `invalid argument "x" for "-t, --tag" flag: ...`.
using FlagSetter = std::function<Result<void>(std::string_view)>;

/// One flag of a command. Made by FlagSet::add; the rest is set by chaining:
/// `flags.add(o.squash, "squash", 0, "Squash the layers").hidden()`.
class Flag {
 public:
  /// Parsed as ever, shown in no help and no completion.
  Flag& hidden();
  /// As hidden, and its use prints `Flag --name has been deprecated, <advice>`.
  Flag& deprecated(std::string_view advice);
  /// The word for its value in help ("list", "bytes", "filter"); "" for none.
  Flag& type(std::string_view word);
  /// What help shows as `(default ...)`, in place of what was derived from the variable; "" for
  /// none.
  Flag& default_text(std::string_view text);
  /// Looks at each value before it is taken; see FlagSetter for its errors.
  Flag& check(FlagSetter check);
  /// `--name` alone means this value; without it, only a bool needs no value.
  Flag& value_if_bare(std::string_view value);

  const std::string& name() const { return name_; }
  char shorthand() const { return shorthand_; }  // 0: none
  const std::string& usage() const { return usage_; }
  const std::string& type() const { return type_; }
  const std::string& default_text() const { return default_; }
  bool is_hidden() const { return hidden_; }
  bool takes_value() const { return !bare_; }
  bool is_bool() const { return bool_; }
  /// As messages name it: "-t, --tag" or "--tag".
  std::string label() const;

 private:
  friend class FlagSet;
  std::string name_;
  char shorthand_ = 0;
  std::string usage_;
  std::string type_;
  std::string default_;
  std::string advice_;
  bool hidden_ = false;
  bool bool_ = false;
  std::optional<std::string> bare_;
  FlagSetter set_;
  FlagSetter check_;
  int times_ = 0;
};

/// What a parse gave, beside the variables it set.
struct ParsedFlags {
  std::vector<std::string> operands;  // what is no flag, in order
  std::vector<std::string> notices;   // one line each, for stderr: deprecated flags that were used
  bool help = false;                  // --help was met; what follows it was not looked at
  bool short_help = false;            // -h was met, which docker deprecates
};

/// The flags of one command, bound to variables that outlive it. Syntax and messages are those of
/// pflag, which docker uses: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`,
/// `-abc` for bools, `--` ends the flags. A variable keeps what it holds as its default.
class FlagSet {
 public:
  /// `shorthand` is 0 for none. The last value wins.
  Flag& add(bool& v, std::string_view name, char shorthand, std::string_view usage);
  Flag& add(std::string& v, std::string_view name, char shorthand, std::string_view usage);
  Flag& add(std::int64_t& v, std::string_view name, char shorthand, std::string_view usage);
  /// Repeatable; each value is one element, commas and all. Help says "list".
  Flag& add(std::vector<std::string>& v, std::string_view name, char shorthand,
            std::string_view usage);
  /// As above, for those that need to know whether the flag was given.
  Flag& add(std::optional<bool>& v, std::string_view name, char shorthand, std::string_view usage);
  Flag& add(std::optional<std::string>& v, std::string_view name, char shorthand,
            std::string_view usage);
  Flag& add(std::optional<std::int64_t>& v, std::string_view name, char shorthand,
            std::string_view usage);
  /// Repeatable, and each value is a CSV record: `a,b` gives two elements. Help says "strings".
  Flag& add_csv(std::vector<std::string>& v, std::string_view name, char shorthand,
                std::string_view usage);
  /// Any other kind; `type` is its word in help.
  Flag& add_value(FlagSetter set, std::string_view type, std::string_view name, char shorthand,
                  std::string_view usage);

  /// What follows the first operand is operands too (run, create, exec: the command's own flags).
  void stop_at_first_operand() { interspersed_ = false; }

  /// InvalidArgument, with pflag's text, at the first mistake: `unknown flag: --nope`,
  /// `unknown shorthand flag: 'x' in -x`, `flag needs an argument: --tag`, `bad flag syntax: --=x`.
  Result<ParsedFlags> parse(std::span<const std::string> args);

  /// Whether the flag was given in the last parse().
  bool given(std::string_view name) const;
  /// Sorted by name, as help shows them; hidden ones too.
  std::vector<const Flag*> sorted() const;
  /// Of all flags, hidden ones too; nullptr if there is none.
  const Flag* find(std::string_view name) const;

 private:
  struct Parse;
  Flag& append(std::string_view name, char shorthand, std::string_view usage,
               std::string_view type);
  Flag* by_shorthand(char c);
  Result<void> parse_long(Parse& p, const std::string& arg);
  Result<void> parse_short(Parse& p, const std::string& arg);
  Result<void> assign(Parse& p, Flag& flag, std::string_view value);

  std::deque<Flag> flags_;  // add() returns references
  bool interspersed_ = true;
};

/// Go's strconv.ParseBool and ParseInt(s, 0, 64), with their messages.
Result<bool> parse_go_bool(std::string_view text);
Result<std::int64_t> parse_go_int(std::string_view text);

}  // namespace strata::cli

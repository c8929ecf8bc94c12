#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata {
class Json;
}

namespace strata::cli {

/// What `{{.Nope}}` does on a value that has no such member.
enum class MissingKey : std::uint8_t {
  NoValue,  // prints <no value> (docker's formats, Go's default for maps)
  Error,    // fails: `map has no entry for key "Nope"` (docker inspect)
};

/// What a member is in docker's Go types, where JSON does not show it: a null list prints as [] and
/// a null map as map[], a key that a map lacks is no mistake, whatever MissingKey says, and `json`
/// sorts the keys of a map.
enum class GoKind : std::uint8_t { Other, List, Map };

/// How a template meets its data.
struct TemplateOptions {
  MissingKey missing_key = MissingKey::NoValue;
  /// The Go type that the top value stands for ("*formatter.imageContext"). If not empty it is a
  /// struct: a missing field of it fails, `can't evaluate field Nope in type <type>`.
  std::string root_type;
  /// The kind of the member called `field`; not set: all are Other. See docker_field_kind().
  std::function<GoKind(std::string_view field)> kind_of;
  /// A method of the top value that takes arguments (`.Label "x"`); not set: there is none. Called
  /// for a field with arguments; NotFound if there is no such method.
  std::function<Result<Json>(std::string_view name, const std::vector<Json>& args)> method;
  /// For a table's heading: json, title, lower, upper and truncate give back their first operand,
  /// as docker's do there.
  bool heading = false;
};

/// A parsed text/template of Go 1.19, as `--format` takes it: actions, pipelines, variables, if,
/// with, range, break, continue, define, template, block, comments, trim markers; Go's functions
/// (and or not eq ne lt le gt ge len index slice print printf println html js urlquery) and
/// docker's (json join split lower upper title pad truncate). Field names are case-sensitive; the
/// members of an object are visited in sorted order. An object prints as a map, also where docker
/// has a struct.
///
/// Hostile input is safe: nesting, the number of steps and the output are bounded (64, a million,
/// 64 MiB). Immutable once parsed; may be executed by several threads.
class GoTemplate {
 public:
  /// InvalidArgument with Go's text: `template: :1: unclosed action`. docker's commands put
  /// "template parsing error: " before it, see table.h and template_error().
  static Result<GoTemplate> parse(std::string_view text);

  GoTemplate(GoTemplate&&) noexcept;
  GoTemplate& operator=(GoTemplate&&) noexcept;
  ~GoTemplate();

  /// Appends to `out`. On an error (InvalidArgument, Go's text:
  /// `template: :1:2: executing "" at <.Nope>: ...`) `out` keeps what was written before it, as
  /// in Go; a caller that prints nothing then drops it.
  Result<void> execute(const Json& data, std::string& out,
                       const TemplateOptions& options = {}) const;

  struct Tree;  // detail/template_tree.h

 private:
  explicit GoTemplate(std::unique_ptr<const Tree> tree);
  std::unique_ptr<const Tree> tree_;
};

/// The lists and maps of what docker inspect shows: "Env" is a list, "Labels" a map.
GoKind docker_field_kind(std::string_view field);

/// docker's line for an error of parse() or execute(): "template parsing error: <error>".
Error template_error(Error error);

}  // namespace strata::cli

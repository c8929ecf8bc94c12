#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dockerfile/instruction.h"

namespace strata::dockerfile {

/// FROM and what follows it, up to the next FROM.
struct Stage {
  Instruction head;  // the FROM line; its value is a From
  std::vector<Instruction> instructions;

  const From& from() const { return std::get<From>(head.value); }
};

/// A whole Dockerfile. It has at least one stage; StageNames says about their names.
struct Dockerfile {
  static constexpr std::size_t kAllStages = static_cast<std::size_t>(-1);

  char escape = '\\';  // or '`', by the parser directive
  std::string check;   // the value of the directive `# check=`, as written
  /// To be shown before the first step, line by line.
  std::vector<std::string> warnings;
  std::vector<Instruction> global_args;  // the ARG lines before the first FROM; values are Arg
  std::vector<Stage> stages;

  /// The stage with this name, in any case. Only the first `before` stages are looked at, so that a
  /// stage cannot refer to itself or to a later one. FROM looks here first, then among the images.
  std::optional<std::size_t> stage_by_name(std::string_view name,
                                           std::size_t before = kAllStages) const;
  /// The same, but a number is the index of a stage: for --from and --target.
  std::optional<std::size_t> find_stage(std::string_view name_or_index,
                                        std::size_t before = kAllStages) const;
  /// The stage to build for `--target`; the last one if `target` is empty.
  /// InvalidArgument, docker's text, if there is none: "failed to reach build target x in ...".
  Result<std::size_t> target_stage(std::string_view target) const;
};

/// Whether two stages may have one name. A build refuses that, `build --check` has more to tell.
enum class StageNames : unsigned char { Unique, MayRepeat };

/// Physical lines of a file, from 1; both 0: none.
struct LineSpan {
  int first = 0;
  int last = 0;
};

/// Parses the text of a Dockerfile. The language is BuildKit's newest (here-documents, all flags),
/// the messages are those of docker's classic builder. `file_name` is only for messages.
///
/// All errors are InvalidArgument and complete lines, to be shown as they are:
/// "dockerfile parse error line 3: unknown instruction: FOO" or
/// "failed to parse Dockerfile: ENV must have two arguments". As in docker, errors of the second
/// kind, which concern the words of a line, win over the first kind, wherever they stand.
/// `failed`, if it is given, gets the lines that an error is about.
Result<Dockerfile> parse(std::string_view text, std::string_view file_name,
                         StageNames names = StageNames::Unique, LineSpan* failed = nullptr);

/// Parses the trigger that ONBUILD stored in an image. Its lines count from 1. Errors have no
/// prefix ("unknown instruction: FOO"), as the trigger stands in no file that the user has.
Result<Instruction> parse_trigger(std::string_view trigger);

}  // namespace strata::dockerfile

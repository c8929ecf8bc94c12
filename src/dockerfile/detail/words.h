#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dockerfile/instruction.h"

// From the line of an instruction to its words. Errors are InvalidArgument with docker's text.
namespace strata::dockerfile::detail {

/// KEYWORD --flags rest
struct CommandLine {
  std::string keyword;             // upper case
  std::vector<std::string> flags;  // "--name=value", quotes and escapes removed
  std::string_view rest;           // of the line, trimmed
};
CommandLine split_command(std::string_view line, char escape);

/// Words between blanks, where quotes and escapes hold words together; they stay for the expansion.
std::vector<std::string> split_words(std::string_view text, char escape);

/// What follows ENV or LABEL (`keyword`, for messages): name=value words, or a name and a text.
Result<std::vector<KeyValue>> split_pairs(std::string_view text, std::string_view keyword,
                                          char escape);

/// The strings of a JSON array. Nothing if `text` is no JSON array, which makes it shell form; an
/// error if it is one that holds anything but strings.
Result<std::optional<std::vector<std::string>>> parse_json_array(std::string_view text);

}  // namespace strata::dockerfile::detail

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dockerfile/parser.h"
#include "lint/rule.h"
#include "lint/settings.h"

// `build --check`: what in a Dockerfile works, but is likely not meant. Nothing is built, and
// nothing is looked at but the Dockerfile and what stands in Input.
namespace strata::lint {

struct Finding {
  Rule rule;
  int first_line = 0;  // of the instruction, from 1
  int last_line = 0;
  std::string detail;  // what was found, one line
  bool operator==(const Finding&) const = default;
};

/// What is known of an image that a stage starts from.
struct BaseImage {
  std::string platform;          // "linux/amd64"
  std::vector<std::string> env;  // "NAME=value"
};

struct Input {
  std::map<std::string, std::optional<std::string>> build_args;
  /// Nothing for an image that is not at hand. What such an image may define is not held against
  /// the Dockerfile: see UndefinedVar in lint.cc.
  std::function<std::optional<BaseImage>(const std::string& name)> base;
  /// Whether .dockerignore leaves out the path and all below it. Empty: there is no such file.
  std::function<bool(const std::string& path)> left_out;
};

/// All findings, in the order of the file. `file` was parsed with StageNames::MayRepeat.
std::vector<Finding> lint(const dockerfile::Dockerfile& file, const Settings& settings,
                          const Input& input);

/// What a build with `error=true` ends with: "lint violation found for rules: A, B".
std::string violation_text(const std::vector<Finding>& findings);

}  // namespace strata::lint

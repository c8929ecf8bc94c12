#pragma once

#include <fmt/core.h>

#include <string>
#include <vector>

#include "lint/lint.h"

namespace strata::lint::detail {

/// Collects the findings of the rules that are wanted.
class Report {
 public:
  explicit Report(const Settings& settings) : settings_(settings) {}

  void add(Rule rule, const dockerfile::Instruction& where, std::string detail) {
    add(rule, where.first_line, where.last_line, std::move(detail));
  }
  void add(Rule rule, int first_line, int last_line, std::string detail) {
    if (settings_.wants(rule)) list_.push_back({rule, first_line, last_line, std::move(detail)});
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  const Settings& settings_;
  std::vector<Finding> list_;
};

/// Rules about how the file is written: letters, names, forms.
void check_spelling(const dockerfile::Dockerfile& file, Report& report);
/// Rules about what stages do: variables, bases, files.
void check_stages(const dockerfile::Dockerfile& file, const Input& input, Report& report);

}  // namespace strata::lint::detail

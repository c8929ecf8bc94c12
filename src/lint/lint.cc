#include "lint/lint.h"

#include <algorithm>
#include <set>

#include "lint/detail/report.h"

namespace strata::lint {

std::vector<Finding> lint(const dockerfile::Dockerfile& file, const Settings& settings,
                          const Input& input) {
  detail::Report report(settings);
  detail::check_spelling(file, report);
  detail::check_stages(file, input, report);
  auto findings = report.take();
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.first_line != b.first_line ? a.first_line < b.first_line : a.rule < b.rule;
  });
  return findings;
}

std::string violation_text(const std::vector<Finding>& findings) {
  std::set<std::string_view> names;
  for (const auto& finding : findings) names.insert(rule_info(finding.rule).name);
  std::string text;
  for (auto name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return "lint violation found for rules: " + text;
}

}  // namespace strata::lint

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What `build --check` looks for. The names are BuildKit's, so that `# check=skip=NAME` and
// docker's documents serve both.
namespace strata::lint {

enum class Rule : std::uint8_t {
  StageNameCasing,
  FromAsCasing,
  NoEmptyContinuation,
  ConsistentInstructionCasing,
  DuplicateStageName,
  ReservedStageName,
  JSONArgsRecommended,
  MaintainerDeprecated,
  UndefinedArgInFrom,
  WorkdirRelativePath,
  UndefinedVar,
  MultipleInstructionsDisallowed,
  LegacyKeyValueFormat,
  InvalidBaseImagePlatform,
  RedundantTargetPlatform,
  SecretsUsedInArgOrEnv,
  InvalidDefaultArgInFrom,
  FromPlatformFlagConstDisallowed,
  CopyIgnoredFile,
  InvalidDefinitionDescription,
  ExposeProtoCasing,
  ExposeInvalidFormat,
};
inline constexpr int kRules = 22;

struct RuleInfo {
  std::string_view name;
  std::string_view description;  // one sentence
  bool experimental = false;     // only looked at if `# check=experimental=` names it
};

const RuleInfo& rule_info(Rule rule);
/// In any case of letters; nothing for a name that is no rule.
std::optional<Rule> rule_by_name(std::string_view name);
/// Where docker explains it.
std::string rule_url(Rule rule);

}  // namespace strata::lint

#include "lint/rule.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace strata::lint {
namespace {

constexpr std::array<RuleInfo, kRules> kTable = {{
    {"StageNameCasing", "Names of stages are written in lower case"},
    {"FromAsCasing", "FROM and AS are written in the same case"},
    {"NoEmptyContinuation", "A continued instruction holds no blank line"},
    {"ConsistentInstructionCasing", "All instructions of a file are written in the same case"},
    {"DuplicateStageName", "No two stages have the same name"},
    {"ReservedStageName", "A stage does not have a name that means something else"},
    {"JSONArgsRecommended",
     "CMD and ENTRYPOINT in JSON form start the program itself, so that signals reach it"},
    {"MaintainerDeprecated", "A label names the author, not MAINTAINER"},
    {"UndefinedArgInFrom", "FROM uses only arguments that are declared above it"},
    {"WorkdirRelativePath",
     "A relative WORKDIR stands below an absolute one of the file, not below that of the base"},
    {"UndefinedVar", "A variable is defined before it is used"},
    {"MultipleInstructionsDisallowed",
     "A stage has one CMD, one ENTRYPOINT and one HEALTHCHECK: only the last one counts"},
    {"LegacyKeyValueFormat", "ENV and LABEL are written with an equals sign"},
    {"InvalidBaseImagePlatform", "The base image is one for the platform that is built for"},
    {"RedundantTargetPlatform", "FROM --platform does not repeat the default"},
    {"SecretsUsedInArgOrEnv", "No secret is given by ARG or ENV: everybody sees it in the image"},
    {"InvalidDefaultArgInFrom", "The defaults of the arguments give FROM the name of an image"},
    {"FromPlatformFlagConstDisallowed", "FROM --platform is not fixed to one platform"},
    {"CopyIgnoredFile", "COPY and ADD name nothing that .dockerignore leaves out"},
    {"InvalidDefinitionDescription",
     "The comment above a stage or an argument starts with its name, or a blank line parts them",
     true},
    {"ExposeProtoCasing", "The protocol of EXPOSE is written in lower case"},
    {"ExposeInvalidFormat", "EXPOSE has ports of the container only"},
}};

bool same(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

const RuleInfo& rule_info(Rule rule) { return kTable[static_cast<std::size_t>(rule)]; }

std::optional<Rule> rule_by_name(std::string_view name) {
  auto found = std::find_if(kTable.begin(), kTable.end(),
                            [&](const RuleInfo& info) { return same(info.name, name); });
  if (found == kTable.end()) return std::nullopt;
  return static_cast<Rule>(found - kTable.begin());
}

std::string rule_url(Rule rule) {
  auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string url = "https://docs.docker.com/go/dockerfile/rule/";
  const auto name = rule_info(rule).name;
  for (std::size_t i = 0; i < name.size(); i++) {
    // A word starts at a capital that stands behind, or before, a small letter: JSONArgs.
    bool starts = i > 0 && upper(name[i]) &&
                  (!upper(name[i - 1]) || (i + 1 < name.size() && !upper(name[i + 1])));
    if (starts) url += '-';
    url += upper(name[i]) ? static_cast<char>(name[i] + 32) : name[i];
  }
  return url + '/';
}

}  // namespace strata::lint

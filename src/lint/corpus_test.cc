// Every file of tests/data/dockerfiles: what lint() finds is what tests/data/dockerfiles_lint.txt
// says. After a change that is meant:
//   STRATA_UPDATE_GOLDEN=1 build/test/src/strata_lint_test --gtest_filter='Corpus.*'
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "lint/lint.h"
#include "lint/outline.h"

namespace strata::lint {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string outline_line(const dockerfile::Dockerfile& file) {
  auto o = outline(file, file.stages.size() - 1, {});
  std::string text = "takes";
  for (const auto& arg : o.args)
    text += arg.value ? fmt::format(" {}={}", arg.name, *arg.value) : ' ' + arg.name;
  for (const auto& secret : o.secrets) text += " secret:" + secret.name;
  for (const auto& agent : o.ssh) text += " ssh:" + agent.name;
  for (const auto& cache : o.caches) text += " cache:" + cache.id;
  return text + '\n';
}

TEST(Corpus, HasTheFindingsOfBefore) {
  const std::string data = STRATA_TEST_DATA;
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/dockerfiles"))
    paths.insert(entry.path());
  std::string text;
  for (const auto& path : paths) {
    auto file = dockerfile::parse(content_of(path.string()), path.filename().string());
    ASSERT_TRUE(file) << path;
    auto settings = parse_settings(file->check);
    ASSERT_TRUE(settings) << path;
    text += "== " + path.filename().string() + '\n';
    for (const auto& f : lint(*file, *settings, {}))
      text += fmt::format("{}-{} {}: {}\n", f.first_line, f.last_line, rule_info(f.rule).name,
                          f.detail);
    text += outline_line(*file);
  }
  const std::string golden = data + "/dockerfiles_lint.txt";
  if (const char* update = std::getenv("STRATA_UPDATE_GOLDEN"); update != nullptr && *update == '1')
    std::ofstream(golden, std::ios::binary) << text;
  EXPECT_EQ(text, content_of(golden));
}

}  // namespace
}  // namespace strata::lint

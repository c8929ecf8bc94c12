// Every file of tests/data/dockerfiles: what the parser makes of it is what
// tests/data/dockerfiles_parsed.txt says. After a change that is meant:
//   STRATA_UPDATE_GOLDEN=1 build/test/src/strata_dockerfile_test --gtest_filter='Corpus.*'
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "dockerfile/parser.h"

namespace strata::dockerfile {
namespace {

using Words = std::vector<std::string>;
const std::string kData = STRATA_TEST_DATA;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Quoted; the middle of a long text by its length.
std::string shown(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  constexpr std::size_t kEnds = 40;
  if (out.size() > 3 * kEnds)
    out = fmt::format("{} [{}] {}", out.substr(0, kEnds), text.size(),
                      out.substr(out.size() - kEnds));
  return out + '"';
}

/// What an instruction became, as text: flags that were given, then the arguments.
class Describer {
 public:
  std::string text;

  void operator()(const From& v) {
    flag("platform", v.platform);
    word(v.image);
    if (!v.stage_name.empty()) text += " as " + v.stage_name;
  }
  void operator()(const strata::dockerfile::Run& v) {
    for (const auto& mount : v.mounts) flag("mount", mount);
    flag("network", v.network);
    flag("security", v.security);
    for (const auto& device : v.devices) flag("device", device);
    command(v.command);
    heredocs(v.heredocs);
    if (v.script) text += " script";
  }
  void operator()(const Cmd& v) { command(v.command); }
  void operator()(const Entrypoint& v) { command(v.command); }
  void operator()(const Shell& v) { words(v.words); }
  void operator()(const Healthcheck& v) {
    if (v.none) text += " none";
    number("interval", v.interval_ns);
    number("timeout", v.timeout_ns);
    number("start-period", v.start_period_ns);
    number("start-interval", v.start_interval_ns);
    number("retries", v.retries);
    if (!v.none) command(v.command);
  }
  void operator()(const Env& v) { pairs(v.variables, v.old_form); }
  void operator()(const Label& v) { pairs(v.labels, v.old_form); }
  void operator()(const Arg& v) {
    for (const auto& name : v.names)
      text += name.value ? fmt::format(" {}={}", name.name, shown(*name.value)) : ' ' + name.name;
  }
  void operator()(const Expose& v) { words(v.ports); }
  void operator()(const User& v) { word(v.user); }
  void operator()(const Workdir& v) { word(v.path); }
  void operator()(const Volume& v) { words(v.paths); }
  void operator()(const StopSignal& v) { word(v.signal); }
  void operator()(const Maintainer& v) { word(v.name); }
  void operator()(const OnBuild& v) {
    word(v.trigger);
    auto trigger = parse_trigger(v.trigger);
    EXPECT_TRUE(trigger) << v.trigger;
    if (!trigger) return;
    text += " = " + trigger->keyword;
    std::visit(*this, trigger->value);
  }
  void operator()(const Copy& v) {
    flag("from", v.from);
    copy(v);
    if (v.parents) text += " --parents";
  }
  void operator()(const Add& v) {
    flag("checksum", v.checksum);
    if (v.keep_git_dir) text += fmt::format(" --keep-git-dir={}", *v.keep_git_dir);
    if (v.unpack) text += fmt::format(" --unpack={}", *v.unpack);
    copy(v);
  }

 private:
  void flag(std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format(" --{}={}", name, value);
  }
  void number(std::string_view name, std::int64_t value) {
    if (value != 0) text += fmt::format(" --{}={}", name, value);
  }
  void word(const std::string& value) { text += ' ' + shown(value); }
  void words(const Words& list) {
    for (const auto& one : list) word(one);
  }
  void command(const Command& value) {
    text += value.shell_form ? " shell" : " exec";
    words(value.words);
  }
  void pairs(const std::vector<KeyValue>& list, bool old_form) {
    if (old_form) text += " (old form)";
    for (const auto& pair : list) text += fmt::format(" {}={}", pair.name, shown(pair.value));
  }
  void heredocs(const std::vector<Heredoc>& list) {
    for (const auto& h : list)
      text += fmt::format(" <<{}{}:{}", h.expand ? "" : "quoted ", h.name, shown(h.body));
  }
  void copy(const FileCopy& v) {
    flag("chown", v.chown);
    flag("chmod", v.chmod);
    for (const auto& pattern : v.exclude) flag("exclude", pattern);
    if (v.link) text += " --link";
    words(v.sources);
    heredocs(v.heredocs);
    text += " ->";
    word(v.destination);
  }
};

std::string described(const Instruction& i) {
  Describer describer;
  std::visit(describer, i.value);
  std::string out =
      fmt::format("{}-{} {}{}\n", i.first_line, i.last_line, i.keyword, describer.text);
  EXPECT_LE(i.first_line, i.last_line);
  return out;
}

std::string described(const Dockerfile& file) {
  std::string out;
  if (file.escape != '\\') out += fmt::format("escape {}\n", file.escape);
  if (!file.check.empty()) out += fmt::format("check {}\n", file.check);
  for (const auto& warning : file.warnings) out += "warning " + shown(warning) + '\n';
  for (const auto& arg : file.global_args) out += "global " + described(arg);
  for (std::size_t n = 0; n < file.stages.size(); n++) {
    out += fmt::format("stage {} {}", n, described(file.stages[n].head));
    for (const auto& i : file.stages[n].instructions) out += "  " + described(i);
  }
  return out;
}

TEST(Corpus, IsReadAsBefore) {
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "/dockerfiles"))
    paths.insert(entry.path());
  EXPECT_GE(paths.size(), 80U);
  std::string text;
  for (const auto& path : paths) {
    auto file = parse(read(path.string()), path.filename().string());
    EXPECT_TRUE(file) << path << ": " << (file ? "" : file.error().message());
    if (file) text += "== " + path.filename().string() + '\n' + described(*file) + '\n';
  }
  const std::string golden = kData + "/dockerfiles_parsed.txt";
  if (const char* update = std::getenv("STRATA_UPDATE_GOLDEN"); update != nullptr && *update == '1')
    std::ofstream(golden, std::ios::binary) << text;
  EXPECT_EQ(text, read(golden));
}

}  // namespace
}  // namespace strata::dockerfile

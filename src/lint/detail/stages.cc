#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "dockerfile/glob.h"
#include "dockerfile/mount.h"
#include "image/platform.h"
#include "image/reference.h"
#include "lint/detail/report.h"
#include "lint/detail/scope.h"

namespace strata::lint::detail {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;
using dockerfile::Stage;
using Names = std::set<std::string, std::less<>>;

/// The variables of a word of FROM that are declared nowhere.
std::vector<std::string> undeclared(const std::string& word, char escape, const Globals& globals) {
  std::vector<std::string> found;
  dockerfile::find_variables(word, escape, lookup_in(globals.values), [&](std::string_view name) {
    if (!globals.names.contains(name)) found.emplace_back(name);
  });
  return found;
}

/// Rules about a FROM line.
class FromRules {
 public:
  FromRules(const Dockerfile& file, const Input& input, const Globals& globals, Report& report)
      : file_(file), input_(input), globals_(globals), report_(report) {}

  void check(std::size_t index, const std::string& image) {
    const Stage& stage = file_.stages[index];
    check_arguments(stage);
    check_platform_flag(stage);
    check_base_platform(index, image);
  }

 private:
  void check_arguments(const Stage& stage) {
    const auto& from = stage.from();
    bool known = true;
    for (const auto& word : {from.image, from.platform})
      for (const auto& name : undeclared(word, file_.escape, globals_)) {
        known = false;
        report_.add(Rule::UndefinedArgInFrom, stage.head,
                    fmt::format("argument '{}' of FROM is not declared{}", name,
                                did_you_mean(name, globals_.names)));
      }
    if (!known || from.image.find('$') == std::string::npos) return;
    auto image = dockerfile::expand_word(from.image, file_.escape, lookup_in(globals_.defaults));
    if (!image || (!image->empty() && Reference::parse_normalized(*image))) return;
    report_.add(Rule::InvalidDefaultArgInFrom, stage.head,
                fmt::format("without --build-arg, FROM {} is {}", from.image,
                            image->empty() ? "empty" : fmt::format("'{}', no image", *image)));
  }

  void check_platform_flag(const Stage& stage) {
    const auto& from = stage.from();
    if (from.platform.empty()) return;
    if (from.platform == "$TARGETPLATFORM" || from.platform == "${TARGETPLATFORM}") {
      report_.add(Rule::RedundantTargetPlatform, stage.head,
                  fmt::format("--platform={} is the default", from.platform));
      return;
    }
    if (from.platform.find('$') != std::string::npos) return;
    // A stage that is one for a platform may say so, if it is named after it.
    auto platform = parse_platform(from.platform);
    if (platform && from.stage_name.find(platform->os) != std::string::npos &&
        from.stage_name.find(platform->architecture) != std::string::npos)
      return;
    report_.add(Rule::FromPlatformFlagConstDisallowed, stage.head,
                fmt::format("--platform={} fixes the platform of this stage", from.platform));
  }

  void check_base_platform(std::size_t index, const std::string& image) {
    const auto& from = file_.stages[index].from();
    if (image.empty() || image == "scratch" || file_.stage_by_name(image, index) || !input_.base)
      return;
    auto base = input_.base(image);
    if (!base) return;
    auto text = dockerfile::expand_word(from.platform, file_.escape, lookup_in(globals_.values));
    auto wanted = parse_platform(text && !text->empty() ? *text : target_platform());
    if (!wanted || wanted->str() == base->platform) return;
    report_.add(
        Rule::InvalidBaseImagePlatform, file_.stages[index].head,
        fmt::format("image {} is for {}, not for {}", image, base->platform, wanted->str()));
  }

  std::string target_platform() const { return globals_.values.find("TARGETPLATFORM")->second; }

  const Dockerfile& file_;
  const Input& input_;
  const Globals& globals_;
  Report& report_;
};

/// "/x", "\x", "C:\x", "C:/x".
bool is_absolute(std::string_view path) {
  if (path.starts_with('/') || path.starts_with('\\')) return true;
  return path.size() >= 2 && std::isalpha(static_cast<unsigned char>(path[0])) != 0 &&
         path[1] == ':';
}

/// What a stage leaves to one that starts from it.
struct Left {
  Scope scope;
  bool absolute_workdir = false;
};

/// Walks the instructions of a stage with the variables that each of them sees.
class StageRules {
 public:
  StageRules(const Dockerfile& file, const Input& input, const Globals& globals,
             const Names& declared, Left start, Report& report)
      : file_(file),
        input_(input),
        globals_(globals),
        declared_(declared),
        at_(std::move(start)),
        report_(report) {}

  Left walk(const Stage& stage) {
    for (const Instruction& i : stage.instructions) {
      for (const auto& word : words_of(i)) check_variables(i, word);
      std::visit([&](const auto& value) { check(i, value); }, i.value);
      at_.scope.define(i, file_.escape, globals_, input_);
    }
    return std::move(at_);
  }

 private:
  std::string expanded(const std::string& word) const {
    auto value = dockerfile::expand_word(word, file_.escape, at_.scope.lookup());
    return value ? *value : word;
  }

  /// All that the builder expands, but what stands between quotes of a shell.
  static std::vector<std::string> words_of(const Instruction& i) {
    std::vector<std::string> words;
    auto add = [&](const std::string& word) { words.push_back(word); };
    auto add_copy = [&](const dockerfile::FileCopy& copy) {
      words = copy.sources;
      for (const auto& word : {copy.destination, copy.chown, copy.chmod}) add(word);
    };
    if (const auto* copy = std::get_if<dockerfile::Copy>(&i.value)) add_copy(*copy);
    if (const auto* add_files = std::get_if<dockerfile::Add>(&i.value)) {
      add_copy(*add_files);
      add(add_files->checksum);
    }
    auto add_pairs = [&](const std::vector<dockerfile::KeyValue>& pairs) {
      for (const auto& pair : pairs) {
        add(pair.name);
        add(pair.value);
      }
    };
    if (const auto* env = std::get_if<dockerfile::Env>(&i.value)) add_pairs(env->variables);
    if (const auto* label = std::get_if<dockerfile::Label>(&i.value)) add_pairs(label->labels);
    if (const auto* arg = std::get_if<dockerfile::Arg>(&i.value))
      for (const auto& name : arg->names) add(name.value.value_or(""));
    if (const auto* expose = std::get_if<dockerfile::Expose>(&i.value)) words = expose->ports;
    if (const auto* volume = std::get_if<dockerfile::Volume>(&i.value)) words = volume->paths;
    if (const auto* user = std::get_if<dockerfile::User>(&i.value)) add(user->user);
    if (const auto* workdir = std::get_if<dockerfile::Workdir>(&i.value)) add(workdir->path);
    if (const auto* signal = std::get_if<dockerfile::StopSignal>(&i.value)) add(signal->signal);
    if (const auto* run = std::get_if<dockerfile::Run>(&i.value)) words = run->mounts;
    return words;
  }

  void check_variables(const Instruction& i, const std::string& word) {
    if (word.find('$') == std::string::npos) return;
    std::vector<std::string> missing;
    dockerfile::find_variables(word, file_.escape, at_.scope.lookup(), [&](std::string_view name) {
      if (!at_.scope.values.contains(name)) missing.emplace_back(name);
    });
    Names known;
    for (const auto& [name, value] : at_.scope.values) known.insert(name);
    for (const auto& name : missing) {
      if (!surely_undefined(name, known) || (at_.scope.open && sets(i, name))) continue;
      std::string hint = did_you_mean(name, known);
      if (declared_.contains(name)) hint = " (it is declared, but not above it in this stage)";
      report_.add(Rule::UndefinedVar, i,
                  fmt::format("variable '${}' is not defined{}", name, hint));
    }
  }

  /// `ENV X=$X:more` adds to what the base has.
  static bool sets(const Instruction& i, std::string_view name) {
    const auto* env = std::get_if<dockerfile::Env>(&i.value);
    return env != nullptr && std::any_of(env->variables.begin(), env->variables.end(),
                                         [&](const auto& pair) { return pair.name == name; });
  }

  /// A base image that is not at hand may define variables; by custom they have names in capitals.
  /// So what is in small letters, what the file declares elsewhere, and what looks like a
  /// misspelling is held to be undefined, and nothing else.
  bool surely_undefined(const std::string& name, const Names& known) const {
    if (!at_.scope.open) return true;
    auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    return std::any_of(name.begin(), name.end(), lower) || declared_.contains(name) ||
           resembling(name, known).has_value();
  }

  template <class T>
  void check(const Instruction& /*i*/, const T& /*value*/) {}

  void check(const Instruction& i, const dockerfile::Workdir& workdir) {
    const std::string path = expanded(workdir.path);
    if (path.empty()) return;  // which UndefinedVar tells, unless the base defines it
    if (is_absolute(path))
      at_.absolute_workdir = true;
    else if (!at_.absolute_workdir)
      report_.add(Rule::WorkdirRelativePath, i,
                  fmt::format("relative WORKDIR '{}' lies where the base image says", path));
  }

  void check(const Instruction& i, const dockerfile::Expose& expose) {
    for (const auto& word : expose.ports) {
      const std::string ports = expanded(word);
      for (auto port : split(ports, ' ')) check_port(i, port);
    }
  }

  void check_port(const Instruction& i, std::string_view port) {
    const auto slash = port.find('/');
    if (slash != port.npos) {
      const auto protocol = port.substr(slash + 1);
      if (std::any_of(protocol.begin(), protocol.end(),
                      [](char c) { return c >= 'A' && c <= 'Z'; }))
        report_.add(Rule::ExposeProtoCasing, i,
                    fmt::format("protocol '{}' is not in lower case", protocol));
    }
    if (port.find(':') != port.npos)
      report_.add(
          Rule::ExposeInvalidFormat, i,
          fmt::format("'{}' has an address or a port of the host, which EXPOSE ignores", port));
  }

  void check(const Instruction& i, const dockerfile::Copy& copy) {
    if (copy.from.empty()) check_sources(i, copy);
  }
  void check(const Instruction& i, const dockerfile::Add& add) { check_sources(i, add); }

  void check_sources(const Instruction& i, const dockerfile::FileCopy& copy) {
    if (!input_.left_out) return;
    for (const auto& word : copy.sources) {
      const std::string source = expanded(word);
      if (source.find("://") != std::string::npos || source.starts_with("git@")) continue;
      const std::string path = certain_part(source);
      if (path.empty() || path.starts_with("..")) continue;
      if (input_.left_out(path))
        report_.add(
            Rule::CopyIgnoredFile, i,
            fmt::format("{} names '{}', which .dockerignore leaves out", i.keyword, source));
    }
  }

  /// The names of a source above the first pattern in it, cleaned: "./a//b/*.c" gives "a/b".
  static std::string certain_part(const std::string& source) {
    std::vector<std::string> names;
    for (auto name : split(source, '/')) {
      if (dockerfile::is_glob(name)) break;
      if (name.empty() || name == ".") continue;
      if (name == ".." && !names.empty() && names.back() != "..")
        names.pop_back();
      else
        names.emplace_back(name);
    }
    return join(names, "/");
  }

  const Dockerfile& file_;
  const Input& input_;
  const Globals& globals_;
  const Names& declared_;
  Left at_;
  Report& report_;
};

/// All names that ARG and ENV declare anywhere in the file, and the platform arguments.
Names declared_names(const Dockerfile& file, const Globals& globals) {
  Names names = globals.names;
  for (const Stage& stage : file.stages)
    for (const Instruction& i : stage.instructions) {
      if (const auto* arg = std::get_if<dockerfile::Arg>(&i.value))
        for (const auto& name : arg->names) names.insert(name.name);
      if (const auto* env = std::get_if<dockerfile::Env>(&i.value))
        for (const auto& pair : env->variables) names.insert(pair.name);
    }
  return names;
}

/// Where the instructions of a stage on `image` start.
Left start_on(const std::string& image, std::optional<std::size_t> parent,
              const std::vector<Left>& stages, const Input& input) {
  if (parent) return stages[*parent];
  Left start;
  start.scope.values["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const auto& [name, value] : input.build_args)
    if (value && (name.ends_with("_PROXY") || name.ends_with("_proxy")))
      start.scope.values[name] = *value;
  if (image == "scratch") return start;
  auto base = input.base ? input.base(image) : std::nullopt;
  start.scope.open = !base;
  if (!base) return start;
  for (const auto& entry : base->env) {
    auto equals = entry.find('=');
    if (equals != entry.npos)
      start.scope.values[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return start;
}

}  // namespace

void check_stages(const Dockerfile& file, const Input& input, Report& report) {
  const Globals globals(file, input);
  const Names declared = declared_names(file, globals);
  FromRules from(file, input, globals, report);
  std::vector<Left> left;
  for (std::size_t i = 0; i < file.stages.size(); i++) {
    const Stage& stage = file.stages[i];
    auto expanded =
        dockerfile::expand_word(stage.from().image, file.escape, lookup_in(globals.values));
    const std::string image = expanded ? *expanded : "";
    from.check(i, image);
    StageRules rules(file, input, globals, declared,
                     start_on(image, file.stage_by_name(image, i), left, input), report);
    left.push_back(rules.walk(stage));
  }
}

}  // namespace strata::lint::detail

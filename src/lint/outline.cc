#include "lint/outline.h"

#include <algorithm>
#include <set>

#include "dockerfile/mount.h"
#include "lint/detail/scope.h"

namespace strata::lint {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;
using dockerfile::Stage;

/// The text behind `name` in the comment line above, if the line starts with it.
std::string description_of(const Instruction& i, const std::string& name) {
  if (i.comment.empty() || name.empty()) return {};
  const std::string& line = i.comment.back();
  if (!line.starts_with(name + ' ')) return {};
  auto text = line.find_first_not_of(' ', name.size());
  return text == line.npos ? "" : line.substr(text);
}

class Outliner {
 public:
  Outliner(const Dockerfile& file, const Input& input)
      : file_(file), input_(input), globals_(file, input) {}

  Outline of(std::size_t target) {
    need(target);
    need_defaults();
    const Stage& stage = file_.stages[target];
    out_.name = stage.from().stage_name;
    out_.description = description_of(stage.head, stage.from().stage_name_written);
    for (const auto& instruction : file_.global_args) take_global_args(instruction);
    std::map<std::size_t, detail::Scope> scopes;
    for (auto index : needed_) {
      detail::Scope scope;
      if (auto parent = parent_of(index)) scope = scopes[*parent];
      for (const auto& i : file_.stages[index].instructions) take(i, scope);
      scopes[index] = std::move(scope);
    }
    return std::move(out_);
  }

 private:
  std::optional<std::size_t> parent_of(std::size_t index) const {
    auto image = dockerfile::expand_word(file_.stages[index].from().image, file_.escape,
                                         detail::lookup_in(globals_.values));
    if (!image) return std::nullopt;
    return file_.stage_by_name(*image, index);
  }

  /// Marks the stage and those that it needs, with the global ARGs that their FROM lines use.
  void need(std::size_t index) {
    if (!needed_.insert(index).second) return;
    const Stage& stage = file_.stages[index];
    use_globals_of(stage.from().image);
    use_globals_of(stage.from().platform);
    if (auto parent = parent_of(index)) need(*parent);
    auto need_source = [&](const std::string& from) {
      if (auto other = from.empty() ? std::nullopt : file_.find_stage(from, index)) need(*other);
    };
    for (const auto& i : stage.instructions) {
      if (const auto* copy = std::get_if<dockerfile::Copy>(&i.value)) need_source(copy->from);
      if (const auto* run = std::get_if<dockerfile::Run>(&i.value))
        for (const auto& mount : run->mounts) need_source(dockerfile::mount_from(mount));
    }
  }

  /// Global ARGs that stand in the defaults of those that are used.
  void need_defaults() {
    for (auto i = file_.global_args.rbegin(); i != file_.global_args.rend(); ++i)
      for (const auto& arg : std::get<dockerfile::Arg>(i->value).names)
        if (arg.value && used_globals_.contains(arg.name)) use_globals_of(*arg.value);
  }

  void use_globals_of(const std::string& word) {
    (void)dockerfile::expand_word(word, file_.escape, [&](std::string_view name) {
      used_globals_.emplace(name);
      return detail::lookup_in(globals_.values)(name);
    });
  }

  void add_arg(const Instruction& i, const std::string& name, std::optional<std::string> value) {
    auto same = [&](const Outline::Arg& arg) { return arg.name == name; };
    auto found = std::find_if(out_.args.begin(), out_.args.end(), same);
    if (found == out_.args.end())
      found = out_.args.insert(out_.args.end(), {name, std::nullopt, "", i.first_line});
    if (!found->value) found->value = std::move(value);
    if (found->description.empty()) found->description = description_of(i, name);
  }

  void take_global_args(const Instruction& i) {
    for (const auto& arg : std::get<dockerfile::Arg>(i.value).names)
      if (used_globals_.contains(arg.name))
        add_arg(i, arg.name, detail::lookup_in(globals_.values)(arg.name));
  }

  void take(const Instruction& i, detail::Scope& scope) {
    if (const auto* run = std::get_if<dockerfile::Run>(&i.value))
      for (const auto& text : run->mounts) take_mount(i, text, scope);
    scope.define(i, file_.escape, globals_, input_);
    const auto* arg = std::get_if<dockerfile::Arg>(&i.value);
    if (arg == nullptr) return;
    for (const auto& one : arg->names) {
      auto value = scope.lookup()(one.name);
      bool set =
          one.value || input_.build_args.contains(one.name) || globals_.values.contains(one.name);
      add_arg(i, one.name, set ? value : std::nullopt);
    }
  }

  void take_mount(const Instruction& i, const std::string& text, const detail::Scope& scope) {
    auto mount = dockerfile::parse_mount(text, file_.escape, scope.lookup());
    if (!mount) return;  // the build reports it
    using Type = dockerfile::Mount::Type;
    if (mount->type == Type::Secret) add_secret(out_.secrets, i, *mount);
    if (mount->type == Type::Ssh) add_secret(out_.ssh, i, *mount);
    const std::string id = mount->id.empty() ? mount->target : mount->id;
    auto same = [&](const Outline::Cache& cache) { return cache.id == id; };
    if (mount->type == Type::Cache && std::none_of(out_.caches.begin(), out_.caches.end(), same))
      out_.caches.push_back({id, i.first_line});
  }

  static void add_secret(std::vector<Outline::Secret>& list, const Instruction& i,
                         const dockerfile::Mount& mount) {
    auto same = [&](const Outline::Secret& secret) { return secret.name == mount.id; };
    auto found = std::find_if(list.begin(), list.end(), same);
    if (found == list.end())
      list.push_back({mount.id, mount.required, i.first_line});
    else
      found->required = found->required || mount.required;
  }

  const Dockerfile& file_;
  const Input& input_;
  detail::Globals globals_;
  std::set<std::size_t> needed_;
  std::set<std::string, std::less<>> used_globals_;
  Outline out_;
};

}  // namespace

Outline outline(const Dockerfile& file, std::size_t target, const Input& input) {
  return Outliner(file, input).of(target);
}

std::vector<Target> targets(const Dockerfile& file) {
  std::vector<Target> list;
  for (const Stage& stage : file.stages) {
    const auto& from = stage.from();
    list.push_back({from.stage_name, description_of(stage.head, from.stage_name_written),
                    from.image, from.platform, false, stage.head.first_line});
  }
  list.back().is_default = true;
  return list;
}

}  // namespace strata::lint

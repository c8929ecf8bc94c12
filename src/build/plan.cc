#include "build/plan.h"

#include "dockerfile/expand.h"
#include "dockerfile/mount.h"

namespace strata::build {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

class Planner {
 public:
  Planner(const Dockerfile& file, const BuildArgs& args, NamedContexts& named,
          const TriggersOf& triggers_of)
      : file_(file), args_(args), named_(named), ask_(triggers_of) {}

  BuildPlan::Stages needs(std::size_t index) {
    BuildPlan::Stages stages;
    const auto& stage = file_.stages[index];
    auto add = [&](const Instruction& instruction) { add_sources(instruction, index, stages); };
    auto global = [&](std::string_view name) { return args_.global(name); };
    auto base = dockerfile::expand_word(stage.from().image, file_.escape, global);
    if (base && named_.has(*base)) {
      // What cannot be opened has no triggers: the stage itself will say so.
      auto context = named_.open(*base);
      for (const auto& text : triggers_of(context ? (*context)->image : "", "", index))
        if (auto trigger = dockerfile::parse_trigger(text)) add(*trigger);
    } else if (base) {
      auto other = file_.stage_by_name(*base, index);
      if (other) stages.insert(*other);
      auto platform = dockerfile::expand_word(stage.from().platform, file_.escape, global);
      for (const auto& text : other ? triggers_in(file_.stages[*other])
                                    : triggers_of(*base, platform ? *platform : "", index))
        if (auto trigger = dockerfile::parse_trigger(text)) add(*trigger);
    }
    for (const auto& instruction : stage.instructions) add(instruction);
    return stages;
  }

 private:
  void add_sources(const Instruction& instruction, std::size_t index, BuildPlan::Stages& to) {
    auto add = [&](const std::string& from) {
      if (from.empty() || named_.has(from)) return;
      if (auto stage = file_.find_stage(from, index)) to.insert(*stage);
    };
    if (const auto* copy = std::get_if<dockerfile::Copy>(&instruction.value)) add(copy->from);
    if (const auto* run = std::get_if<dockerfile::Run>(&instruction.value))
      for (const auto& mount : run->mounts) add(dockerfile::mount_from(mount));
  }

  static std::vector<std::string> triggers_in(const dockerfile::Stage& stage) {
    std::vector<std::string> triggers;
    for (const auto& instruction : stage.instructions)
      if (const auto* on_build = std::get_if<dockerfile::OnBuild>(&instruction.value))
        triggers.push_back(on_build->trigger);
    return triggers;
  }

  /// They can only name stages above.
  std::vector<std::string> triggers_of(const std::string& name, const std::string& platform,
                                       std::size_t index) const {
    if (name.empty() || name == "scratch" || index == 0) return {};
    return ask_(name, platform);
  }

  const Dockerfile& file_;
  const BuildArgs& args_;
  NamedContexts& named_;
  const TriggersOf& ask_;
};

}  // namespace

BuildPlan make_plan(const Dockerfile& file, std::size_t target, const BuildArgs& args,
                    NamedContexts& named, const TriggersOf& triggers_of) {
  Planner planner(file, args, named, triggers_of);
  BuildPlan plan;
  BuildPlan::Stages wanted = {target};
  for (std::size_t i = target + 1; i-- > 0;) {
    if (!wanted.contains(i)) continue;
    auto needs = planner.needs(i);
    wanted.insert(needs.begin(), needs.end());
    plan.stages[i] = std::move(needs);
  }
  return plan;
}

}  // namespace strata::build

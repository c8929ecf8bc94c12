#include "build/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "build/stage.h"
#include "dockerfile/mount.h"

namespace strata::build {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

/// Which stages the target needs: by FROM, COPY --from and RUN --mount=from=.
std::set<std::size_t> needed_stages(const Dockerfile& file, std::size_t target,
                                    const BuildArgs& args) {
  std::set<std::size_t> needed = {target};
  auto global = [&](std::string_view name) { return args.global(name); };
  for (std::size_t i = target + 1; i-- > 0;) {
    if (!needed.contains(i)) continue;
    const auto& stage = file.stages[i];
    auto image = dockerfile::expand_word(stage.from().image, file.escape, global);
    if (image)
      if (auto base = file.stage_by_name(*image, i)) needed.insert(*base);
    auto need = [&](const std::string& from) {
      if (from.empty()) return;
      if (auto other = file.find_stage(from, i)) needed.insert(*other);
    };
    for (const auto& instruction : stage.instructions) {
      if (const auto* copy = std::get_if<dockerfile::Copy>(&instruction.value)) need(copy->from);
      if (const auto* run = std::get_if<dockerfile::Run>(&instruction.value))
        for (const auto& mount : run->mounts) need(dockerfile::mount_from(mount));
    }
  }
  return needed;
}

/// One run of build(): the steps in the order of the file.
class Run {
 public:
  Run(BuildState& state, std::size_t target) : state_(state), target_(target) {
    total_ = state.dockerfile.global_args.size() + state.request.labels.size();
    for (std::size_t i = 0; i <= target; i++)
      total_ += 1 + state.dockerfile.stages[i].instructions.size();
  }

  Result<ImageID> run() {
    TRY(global_args());
    auto needed = needed_stages(state_.dockerfile, target_, state_.args);
    for (std::size_t i = 0; i < target_; i++) {
      if (needed.contains(i))
        state_.stages[i] = TRY(stage(i));
      else
        skip(i);
    }
    auto last = TRY(stage(target_));
    if (!last.image.id)
      return Error(ErrorCode::InvalidArgument, "No image was generated. Is your Dockerfile empty?");
    return *last.image.id;
  }

 private:
  void announce(const std::string& text) {
    state_.output.write(fmt::format("Step {}/{} : {}\n", ++step_, total_, text));
  }

  Result<void> global_args() {
    auto lookup = [&](std::string_view name) { return state_.args.global(name); };
    for (const auto& instruction : state_.dockerfile.global_args) {
      announce(instruction.original);
      for (const auto& arg : std::get<dockerfile::Arg>(instruction.value).names) {
        std::optional<std::string> value;
        if (arg.value)
          value = TRY(dockerfile::expand_word(*arg.value, state_.dockerfile.escape, lookup));
        state_.args.declare_global(arg.name, value);
      }
    }
    return {};
  }

  void skip(std::size_t index) {
    const auto& stage = state_.dockerfile.stages[index];
    auto line = [&](const Instruction& instruction) {
      announce(instruction.original);
      state_.output.write(" ---> Skipped (stage not needed)\n");
    };
    line(stage.head);
    for (const auto& instruction : stage.instructions) line(instruction);
  }

  Result<FinishedStage> stage(std::size_t index) {
    const auto& source = state_.dockerfile.stages[index];
    Stage stage(state_, index);
    announce(source.head.original);
    TRY(stage.begin(source.head));
    for (const auto& instruction : source.instructions) {
      announce(instruction.original);
      TRY(stage.step(instruction));
    }
    if (index == target_) {
      for (const auto& [name, value] : state_.request.labels) {
        announce(fmt::format("LABEL {}={}", name, value));
        TRY(stage.add_label(name, value));
      }
    }
    return stage.finish();
  }

  BuildState& state_;
  std::size_t target_;
  std::size_t step_ = 0;
  std::size_t total_ = 0;
};

BuildOutcome failed(Error error, int exit_code, bool before_first_step) {
  return {std::nullopt, BuildFailure{std::move(error), exit_code, before_first_step}};
}

/// One red block, as what goes to stderr.
void write_warnings(const std::vector<std::string>& warnings, OrderedOutput& output) {
  if (warnings.empty()) return;
  std::string text;
  for (const auto& warning : warnings) text += warning + "\n";
  output.write(red(text));
}

void warn_unused(const BuildArgs& args, OrderedOutput& output) {
  auto unused = args.unused();
  if (unused.empty()) return;
  std::string names;
  for (const auto& name : unused) names += (names.empty() ? "" : " ") + name;
  output.write(fmt::format("[Warning] One or more build-args [{}] were not consumed\n", names));
}

}  // namespace

BuildOutcome build(const Store& store, const BuildRequest& request, const BuildEvents& events,
                   std::stop_token stop) {
  Time now = Time::now();  // before any file is looked at
  bool sent = false;       // from here on docker's daemon speaks
  ContextEvents context_events{[&](std::int64_t bytes) {
                                 sent = true;
                                 events.context(bytes);
                               },
                               [&](const DownloadProgress& progress) {
                                 if (events.download_text)
                                   events.output(events.download_text(progress));
                               }};
  auto context = Context::open(store, request.context, context_events, stop);
  if (!context) return failed(std::move(context).error(), 1, sent);

  auto file = dockerfile::parse((*context)->dockerfile_text(), (*context)->dockerfile_name());
  if (!file) return failed(std::move(file).error(), 1, true);
  auto target = file->target_stage(request.target);
  if (!target) return failed(std::move(target).error(), 1, true);

  OrderedOutput output(events.output);
  write_warnings(file->warnings, output);
  BuildState state{store,
                   request,
                   **context,
                   *file,
                   output,
                   events.copied,
                   stop,
                   events.download_text,
                   BuildArgs(request.build_args),
                   StatMemo(store.own_dir(), (*context)->files().root(), now),
                   Tarsums((*context)->files(), SumOwner::Root, stop, &state.memo),
                   {},
                   {},
                   {}};
  auto id = Run(state, *target).run();
  state.memo.save();
  if (!id) return failed(std::move(id).error(), state.run_exit_code, false);
  warn_unused(state.args, output);
  output.write(fmt::format("Successfully built {}\n", id->digest().hex().substr(0, 12)));
  return {*id, std::nullopt};
}

}  // namespace strata::build

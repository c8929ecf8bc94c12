#include "build/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "build/plan.h"
#include "build/stage.h"

namespace strata::build {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

struct Failure {
  Error error;
  int exit_code = 1;
};

/// One run of build(): the stages that are needed, as many at once as there are processors, their
/// text in the order of the file.
class Run {
 public:
  Run(BuildState& state, std::stop_source& stop, StagedOutput& output, std::size_t target)
      : state_(state), stop_(stop), output_(output), target_(target) {
    std::size_t step = state.dockerfile.global_args.size();
    for (std::size_t i = 0; i <= target; i++) {
      first_step_.push_back(step);
      step += 1 + state.dockerfile.stages[i].instructions.size();
    }
    total_ = step + state.request.labels.size();
    state.stages.resize(target + 1);
  }

  /// The parts of the output: the global ARGs, one for each stage, and the end.
  static std::size_t parts(std::size_t target) { return target + 3; }

  std::optional<Failure> run() {
    if (auto done = global_args(); !done) return Failure{std::move(done).error()};
    output_.close(0);
    plan_ = make_plan(state_.store, state_.dockerfile, target_, state_.args);
    for (std::size_t i = 0; i <= target_; i++)
      if (!plan_.stages.contains(i)) skip(i);
    std::size_t threads = std::min<std::size_t>(std::max(std::thread::hardware_concurrency(), 1U),
                                                plan_.stages.size());
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < threads; i++) others.emplace_back([this] { work(); });
      work();
    }
    if (failure_) output_.close_all();
    if (!failure_ && !state_.stages[target_]->image.id)
      return Failure{
          Error(ErrorCode::InvalidArgument, "No image was generated. Is your Dockerfile empty?")};
    return std::move(failure_);
  }

  ImageID result() const { return *state_.stages[target_]->image.id; }

 private:
  void announce(OrderedOutput& output, std::size_t step, const std::string& text) const {
    output.write(fmt::format("Step {}/{} : {}\n", step + 1, total_, text));
  }

  Result<void> global_args() {
    OrderedOutput output(output_.part(0));
    auto lookup = [&](std::string_view name) { return state_.args.global(name); };
    std::size_t step = 0;
    for (const auto& instruction : state_.dockerfile.global_args) {
      announce(output, step++, instruction.original);
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
    OrderedOutput output(output_.part(index + 1));
    const auto& stage = state_.dockerfile.stages[index];
    std::size_t step = first_step_[index];
    auto line = [&](const Instruction& instruction) {
      announce(output, step++, instruction.original);
      output.write(" ---> Skipped (stage not needed)\n");
    };
    line(stage.head);
    for (const auto& instruction : stage.instructions) line(instruction);
    output_.close(index + 1);
  }

  /// What one thread does: takes the first stage whose sources are there, until none is left.
  void work() {
    std::unique_lock lock(mutex_);
    while (!failure_) {
      auto next = std::find_if(plan_.stages.begin(), plan_.stages.end(), [&](const auto& entry) {
        return !taken_.contains(entry.first) &&
               std::all_of(entry.second.begin(), entry.second.end(),
                           [&](std::size_t other) { return done_.contains(other); });
      });
      if (next == plan_.stages.end()) {
        if (taken_.size() == plan_.stages.size()) return;
        changed_.wait(lock);
        continue;
      }
      std::size_t index = next->first;
      taken_.insert(index);
      lock.unlock();
      int exit_code = 1;
      auto finished = stage(index, exit_code);
      lock.lock();
      if (finished) {
        state_.stages[index] = *std::move(finished);
        done_.insert(index);
        output_.close(index + 1);
      } else if (!failure_) {
        failure_ = Failure{std::move(finished).error(), exit_code};
        stop_.request_stop();  // the others end where they are
      }
      changed_.notify_all();
    }
  }

  Result<FinishedStage> stage(std::size_t index, int& exit_code) {
    const auto& source = state_.dockerfile.stages[index];
    OrderedOutput output(output_.part(index + 1));
    Stage stage(state_, index, output);
    std::size_t step = first_step_[index];
    announce(output, step++, source.head.original);
    TRY(stage.begin(source.head));
    for (const auto& instruction : source.instructions) {
      announce(output, step++, instruction.original);
      auto done = stage.step(instruction);
      exit_code = stage.exit_code();
      if (done) continue;
      // What came before is an image, for the next build, and its lines are told.
      if (!state_.stop.stop_requested()) (void)stage.finish();
      return std::move(done).error();
    }
    if (index == target_) {
      for (const auto& [name, value] : state_.request.labels) {
        announce(output, step++, fmt::format("LABEL {}={}", name, value));
        TRY(stage.add_label(name, value));
      }
    }
    return stage.finish();
  }

  BuildState& state_;
  std::stop_source& stop_;
  StagedOutput& output_;
  std::size_t target_;
  std::vector<std::size_t> first_step_;  // of each stage, from 0
  std::size_t total_ = 0;
  BuildPlan plan_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  BuildPlan::Stages taken_;
  BuildPlan::Stages done_;
  std::optional<Failure> failure_;
};

BuildOutcome failed(Error error, int exit_code, bool before_first_step) {
  return {std::nullopt, BuildFailure{std::move(error), exit_code, before_first_step}};
}

/// One red block, as what goes to stderr.
void write_warnings(const std::vector<std::string>& warnings, const StagedOutput::Sink& output) {
  if (warnings.empty()) return;
  std::string text;
  for (const auto& warning : warnings) text += warning + "\n";
  output(red(text));
}

void warn_unused(const BuildArgs& args, const StagedOutput::Sink& output) {
  auto unused = args.unused();
  if (unused.empty()) return;
  std::string names;
  for (const auto& name : unused) names += (names.empty() ? "" : " ") + name;
  output(fmt::format("[Warning] One or more build-args [{}] were not consumed\n", names));
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

  StagedOutput output(events.output, Run::parts(*target));
  write_warnings(file->warnings, output.part(0));
  std::stop_source stop_all;
  std::stop_callback stopped(stop, [&] { stop_all.request_stop(); });
  std::mutex copied_mutex;
  auto copied = [&](std::int64_t bytes) {
    std::lock_guard lock(copied_mutex);
    if (events.copied) events.copied(bytes);
  };
  StatMemo memo(store.own_dir(), (*context)->files().root(), now);
  BuildState state{store,
                   request,
                   **context,
                   *file,
                   copied,
                   stop_all.get_token(),
                   events.download_text,
                   BuildArgs(request.build_args),
                   Tarsums((*context)->files(), SumOwner::Root, stop_all.get_token(), &memo),
                   {},
                   {},
                   {},
                   {},
                   {},
                   {}};
  for (const auto& name : request.cache_from)
    if (auto image = take_image(store, name)) state.cache_sources.push_back(*std::move(image));
  Run run(state, stop_all, output, *target);
  auto failure = run.run();
  memo.save();
  if (failure && stop.stop_requested())
    failure->error = Error(ErrorCode::Cancelled, "build cancelled");
  if (failure) return failed(std::move(failure->error), failure->exit_code, false);
  auto end = output.part(Run::parts(*target) - 1);
  warn_unused(state.args, end);
  end(fmt::format("Successfully built {}\n", run.result().digest().hex().substr(0, 12)));
  return {run.result(), std::nullopt};
}

}  // namespace strata::build

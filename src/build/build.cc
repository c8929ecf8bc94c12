#include "build/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/parallel.h"
#include "base/text.h"
#include "build/check_directive.h"
#include "build/epoch.h"
#include "build/layer_difference.h"
#include "build/plan.h"
#include "build/stage.h"
#include "progress/classic.h"

namespace strata::build {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

struct Failure {
  Error error;
  int exit_code = 1;
  const Instruction* instruction = nullptr;
};

/// What the renderers are told of the plan.
progress::Planned describe(const dockerfile::Dockerfile& file, std::size_t target,
                           const BuildPlan& plan, const BuildRequest& request) {
  progress::Planned out;
  auto add = [&](std::optional<std::size_t> stage, std::size_t number, const Instruction& i) {
    out.steps.push_back({stage, number, i.original, i.first_line});
  };
  for (std::size_t i = 0; i < file.global_args.size(); i++) add({}, i + 1, file.global_args[i]);
  for (std::size_t s = 0; s <= target; s++) {
    const auto& stage = file.stages[s];
    const auto& name = stage.from().stage_name;
    out.stages.push_back(
        {name.empty() ? fmt::format("stage-{}", s) : name, plan.stages.contains(s)});
    std::size_t number = 1;
    add(s, number++, stage.head);
    for (const auto& instruction : stage.instructions) add(s, number++, instruction);
    if (s != target) continue;
    for (const auto& [label, value] : request.labels)
      out.steps.push_back({s, number++, fmt::format("LABEL {}={}", label, value), 0});
  }
  return out;
}

/// One run of build(): the stages that are needed, as many at once as there are processors.
class Run {
 public:
  Run(BuildState& state, std::stop_source& stop, progress::Report& report, std::size_t target)
      : state_(state), stop_(stop), report_(report), target_(target) {
    std::size_t step = state.dockerfile.global_args.size();
    for (std::size_t i = 0; i <= target; i++) {
      first_step_.push_back(step);
      step += 1 + state.dockerfile.stages[i].instructions.size();
    }
    state.stages.resize(target + 1);
  }

  std::optional<Failure> run() {
    auto args = expand_global_args();
    plan_ = make_plan(
        state_.dockerfile, target_, state_.args, state_.named,
        [this](const auto& name, const auto& platform) { return triggers_of(name, platform); });
    report_.tell(describe(state_.dockerfile, target_, plan_, state_.request));
    tell_global_args(args.expanded);
    if (args.error)
      return Failure{std::move(*args.error), 1, &state_.dockerfile.global_args[args.expanded]};
    if (auto done = read_epoch(); !done) return Failure{std::move(done).error()};
    for (std::size_t i = 0; i <= target_; i++)
      if (!plan_.stages.contains(i)) skip(i);
    std::size_t threads = std::min<std::size_t>(processors(), plan_.stages.size());
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < threads; i++) others.emplace_back([this] { work(); });
      work();
    }
    if (failure_) save_sums();  // which the last stage has not come to
    if (!failure_ && !state_.stages[target_]->image.id)
      return Failure{
          Error(ErrorCode::InvalidArgument, "No image was generated. Is your Dockerfile empty?")};
    return std::move(failure_);
  }

  const StageImage& image() const { return state_.stages[target_]->image; }
  /// What the last stage stands on.
  const std::optional<ImageID>& base() const { return state_.stages[target_]->base; }

 private:
  struct GlobalArgs {
    std::size_t expanded = 0;
    std::optional<Error> error;
  };

  /// Until one fails.
  GlobalArgs expand_global_args() {
    GlobalArgs done;
    for (const auto& instruction : state_.dockerfile.global_args) {
      if (auto expanded = expand_global_arg(instruction); !expanded) {
        done.error = std::move(expanded).error();
        break;
      }
      done.expanded++;
    }
    return done;
  }

  /// Those of the store's image, unless a newer one is to be fetched.
  std::vector<std::string> triggers_of(const std::string& name, const std::string& platform) const {
    const auto& request = state_.request;
    auto image = take_image(state_.store, name);
    if (image && !(request.pull && request.find_triggers))
      return image->config.config.on_build.value_or(std::vector<std::string>());
    if (!request.find_triggers) return {};
    return request.find_triggers(name, platform, state_.stop);
  }

  void tell_global_args(std::size_t expanded) {
    std::size_t begun = std::min(expanded + 1, state_.dockerfile.global_args.size());
    for (std::size_t i = 0; i < begun; i++) {
      progress::StepReport step(report_, i);
      step.started();
      if (i < expanded) step.done(std::nullopt);
    }
  }

  Result<void> expand_global_arg(const Instruction& instruction) {
    auto lookup = [&](std::string_view name) { return state_.args.global(name); };
    for (const auto& arg : std::get<dockerfile::Arg>(instruction.value).names) {
      std::optional<std::string> value;
      if (arg.value)
        value = TRY(dockerfile::expand_word(*arg.value, state_.dockerfile.escape, lookup));
      state_.args.declare_global(arg.name, value);
    }
    return {};
  }

  /// --build-arg, which may have the environment's value, comes before a global ARG of the file.
  Result<void> read_epoch() {
    constexpr const char* kName = "SOURCE_DATE_EPOCH";
    auto given = state_.request.build_args.find(kName);
    auto text = state_.args.global(kName).value_or("");
    if (given != state_.request.build_args.end() && given->second) text = *given->second;
    state_.epoch = TRY(parse_epoch(text));
    if (!state_.epoch && (state_.request.reproducible || state_.request.check_repro))
      state_.epoch = Time();
    return {};
  }

  void skip(std::size_t index) {
    std::size_t count = 1 + state_.dockerfile.stages[index].instructions.size();
    for (std::size_t i = 0; i < count; i++)
      progress::StepReport(report_, first_step_[index] + i).skipped();
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
      progress::StepReport output(report_, first_step_[index]);
      int exit_code = 1;
      auto finished = stage(index, output, exit_code);
      lock.lock();
      if (finished) {
        state_.stages[index] = *std::move(finished);
        done_.insert(index);
      } else if (!failure_) {
        failure_ = Failure{std::move(finished).error(), exit_code,
                           instruction(index, output.step() - first_step_[index])};
        if (!state_.stop.stop_requested())
          report_.tell(progress::StepFailed{output.step(), failure_->error.message(), exit_code});
        stop_.request_stop();  // the others end where they are
      }
      changed_.notify_all();
    }
  }

  /// The n-th of a stage; null behind the last one, where the --labels are.
  const Instruction* instruction(std::size_t index, std::size_t n) const {
    const auto& stage = state_.dockerfile.stages[index];
    if (n == 0) return &stage.head;
    return n <= stage.instructions.size() ? &stage.instructions[n - 1] : nullptr;
  }

  Result<FinishedStage> stage(std::size_t index, progress::StepReport& output, int& exit_code) {
    const auto& source = state_.dockerfile.stages[index];
    Stage stage(state_, index, output);
    output.started();
    TRY(stage.begin(source.head));
    for (const auto& instruction : source.instructions) {
      output.next();
      auto done = stage.step(instruction);
      exit_code = stage.exit_code();
      if (done) continue;
      // What came before is an image, for the next build, and its lines are told.
      if (!state_.stop.stop_requested()) (void)stage.finish();
      return std::move(done).error();
    }
    if (index == target_) {
      for (const auto& [name, value] : state_.request.labels) {
        output.next();
        TRY(stage.add_label(name, value));
      }
      save_sums();  // while the last layers are hashed and committed
    }
    return stage.finish();
  }

  /// When no file is looked at any more.
  void save_sums() {
    state_.context_sums.save();
    state_.named.save();
  }

  BuildState& state_;
  std::stop_source& stop_;
  progress::Report& report_;
  std::size_t target_;
  std::vector<std::size_t> first_step_;  // of each stage, from 0
  BuildPlan plan_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  BuildPlan::Stages taken_;
  BuildPlan::Stages done_;
  std::optional<Failure> failure_;
};

BuildOutcome failed(Error error, int exit_code, bool before_first_step) {
  return {std::nullopt, BuildFailure{std::move(error), exit_code, before_first_step, {}}, {}};
}

void tell_warnings(const std::vector<std::string>& warnings, progress::Report& report) {
  if (warnings.empty()) return;
  std::string text;
  for (const auto& warning : warnings) text += warning + "\n";
  report.tell(progress::Note{{}, text, true});
}

FailedStep failed_lines(const Context& context, int first, int last) {
  FailedStep step{context.dockerfile_name(), first, ""};
  int number = 0;
  for (auto line : split(context.dockerfile_text(), '\n')) {
    number++;
    if (number < first || number > last) continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    step.source.append(line).append("\n");
  }
  return step;
}

/// Where an instruction of the Dockerfile stands, and its lines there.
std::optional<FailedStep> failed_step(const Context& context, const Instruction* instruction) {
  if (instruction == nullptr) return std::nullopt;
  return failed_lines(context, instruction->first_line, instruction->last_line);
}

void warn_unused(const BuildArgs& args, progress::Report& report) {
  auto unused = args.unused();
  if (unused.empty()) return;
  std::string names;
  for (const auto& name : unused) names += (names.empty() ? "" : " ") + name;
  auto text = fmt::format("[Warning] One or more build-args [{}] were not consumed\n", names);
  report.tell(progress::Note{{}, text});
}

/// A build whose Dockerfile is read: what its runs have in common.
struct Job {
  const Store& store;
  Context& context;
  NamedContexts& named;
  const Dockerfile& file;
  std::size_t target = 0;
  StatMemo& memo;
  std::stop_token stop;
};

struct JobOutcome {
  std::optional<Failure> failure;
  StageImage image;
  std::optional<ImageID> base;  // what the last stage stands on
  std::vector<StepRecord> steps;
};

void open_shell(const BuildState& state, progress::Report& report) {
  report.tell(progress::ShellOpened{});
  if (auto opened = state.failed_shell(); !opened)
    report.tell(progress::Note{{}, fmt::format("no shell: {}\n", opened.error().message())});
}

JobOutcome run_job(const Job& job, const BuildRequest& request, progress::Report& report) {
  tell_warnings(job.file.warnings, report);
  std::stop_source stop_all;
  std::stop_callback stopped(job.stop, [&] { stop_all.request_stop(); });
  Tarsums sums(job.context.files(), SumOwner::Root, stop_all.get_token(), &job.memo);
  BuildState state{job.store,
                   request,
                   job.context,
                   job.named,
                   job.file,
                   stop_all.get_token(),
                   BuildArgs(request.build_args),
                   sums,
                   {},
                   {},
                   {},
                   {},
                   {},
                   {},
                   {},
                   {},
                   {},
                   {}};
  for (const auto& name : request.cache_from)
    if (auto image = take_image(job.store, name)) state.cache_sources.push_back(*std::move(image));
  Run run(state, stop_all, report, job.target);
  auto failure = run.run();
  if (failure && job.stop.stop_requested())
    failure->error = Error(ErrorCode::Cancelled, "build cancelled");
  if (failure && state.failed_shell && !job.stop.stop_requested()) open_shell(state, report);
  if (failure) return {std::move(failure), {}, {}, {}};
  warn_unused(state.args, report);
  return {std::nullopt, run.image(), run.base(), std::move(state.records)};
}

/// --check-repro: the second build. What it tells is of no interest, unless it fails.
Result<void> check_reproducible(const Job& job, const BuildRequest& request,
                                const StageImage& first, progress::Report& report) {
  auto note = [&report](std::string_view text) { report.tell(progress::Note{{}, text}); };
  note("Building again, without the cache\n");
  BuildRequest again = request;
  again.no_cache = true;
  again.explain_cache = false;
  again.shell_on_failure = false;
  std::string held;
  progress::Report quiet(progress::Classic([&](std::string_view text) { held += text; }));
  auto second = run_job(job, again, quiet);
  if (second.failure) {
    note(held);
    second.failure->error.add_context("the second build");
    return std::move(second.failure->error);
  }
  if (first.id == second.image.id) {
    note("Reproducible: both builds gave the same image\n");
    return {};
  }
  auto difference = TRY(compare_images(job.store, first.config, second.image.config));
  note(difference.text);
  auto count = [](std::size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? " differs" : "s differ");
  };
  std::string what = difference.files > 0    ? count(difference.files, "file")
                     : difference.layers > 0 ? count(difference.layers, "layer")
                                             : "the configs differ";
  return Error(ErrorCode::Conflict, "not reproducible: " + what);
}

}  // namespace

BuildOutcome build(const Store& store, const BuildRequest& request, progress::Report& report,
                   std::stop_token stop) {
  Time now = Time::now();  // before any file is looked at
  bool sent = false;       // from here on docker's daemon speaks
  NamedContexts named(store, request.named_contexts, request.context.git_auth, now, stop);
  if (auto found = named.check_directories(); !found)
    return failed(std::move(found).error(), 1, false);
  ContextEvents context_events{[&](std::int64_t bytes) {
                                 sent = true;
                                 report.tell(progress::ContextSent{bytes});
                               },
                               [&](const progress::Download& download) { report.tell(download); }};
  auto context = Context::open(store, request.context, context_events, stop);
  if (!context) return failed(std::move(context).error(), 1, sent);

  dockerfile::LineSpan wrong;
  auto file = dockerfile::parse((*context)->dockerfile_text(), (*context)->dockerfile_name(),
                                dockerfile::StageNames::Unique, &wrong);
  if (!file) {
    auto result = failed(std::move(file).error(), 1, true);
    if (wrong.first > 0) result.failure->step = failed_lines(**context, wrong.first, wrong.last);
    return result;
  }
  auto checked = check_directive(*file, store, (*context)->files(), request.build_args);
  if (!checked) return failed(std::move(checked).error(), 1, true);
  auto target = file->target_stage(request.target);
  if (!target) return failed(std::move(target).error(), 1, true);

  StatMemo memo(store.own_dir(), (*context)->files().root(), now);
  Job job{store, **context, named, *file, *target, memo, stop};
  auto outcome = run_job(job, request, report);
  if (outcome.failure) {
    auto& failure = *outcome.failure;
    auto result = failed(std::move(failure.error), failure.exit_code, false);
    if (!stop.stop_requested()) result.failure->step = failed_step(**context, failure.instruction);
    return result;
  }
  if (request.check_repro)
    if (auto same = check_reproducible(job, request, outcome.image, report); !same)
      return failed(std::move(same).error(), 1, false);
  return {outcome.image.id, std::nullopt, outcome.base, std::move(outcome.steps)};
}

}  // namespace strata::build

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "build/build.h"
#include "build/committer.h"
#include "build/copy_plan.h"
#include "build/download.h"
#include "build/explain.h"
#include "build/named_context.h"
#include "build/source_tree.h"
#include "build/tarsum.h"
#include "build/variables.h"
#include "container/init_layer.h"
#include "dockerfile/expand.h"
#include "dockerfile/parser.h"
#include "progress/event.h"
#include "runtime/oci_runtime.h"
#include "store/layer_writer.h"

namespace strata::build {

/// The error for what only BuildKit's language has and this builder does not.
Error requires_buildkit(std::string_view option);

/// The root file system of a stage or an image that COPY --from takes from.
struct ImageRoot {
  LayerBase base;
  UniqueFd root;
  std::unique_ptr<SourceTree> files;
  std::unique_ptr<Tarsums> sums;
};

/// A stage that is built, for the stages behind it.
struct FinishedStage {
  StageImage image;
  StageArgs args;
  std::optional<ImageID> base;  // of its FROM
};

/// What the stages of one build share. They may run at once.
struct BuildState {
  const Store& store;
  const BuildRequest& request;
  Context& context;
  NamedContexts& named;
  const dockerfile::Dockerfile& dockerfile;
  std::stop_token stop;  // of the user, or because a stage has failed
  BuildArgs args;
  Tarsums& context_sums;
  std::vector<Image> cache_sources;  // of --cache-from
  std::optional<Time> epoch;         // SOURCE_DATE_EPOCH: what new images and files have for now
  /// By index. A stage only looks at those that the plan has it wait for.
  std::vector<std::optional<FinishedStage>> stages;
  std::mutex mutex;                    // guards what follows; an entry that is there stays
  std::map<ImageID, ImageRoot> roots;  // mounted so far
  /// Of RUN --mount, by tree and source.
  std::map<std::pair<const SourceTree*, std::string>, std::shared_ptr<CacheDir>> context_views;
  /// With shell_on_failure: opens a shell in what the first RUN that failed has left, and waits for
  /// its end. To be called when no stage writes any more.
  std::function<Result<void>()> failed_shell;
  std::vector<StepRecord> records;            // guarded by `mutex`; see BuildRequest::record_steps
  std::shared_ptr<const OciRuntime> runtime;  // guarded by `mutex`; opened by the first RUN
  std::mutex fetching;  // held while an image is fetched: one that two stages want comes once
};

/// Runs the instructions of one stage. Each step asks the cache, until one misses; a step that is
/// run hands its result to the committer and the next begins.
class Stage {
 public:
  /// `output` takes what its steps tell; whoever calls says which step it is.
  Stage(BuildState& build, std::size_t index, progress::StepReport& output);

  /// The FROM line, with the triggers of the base image. It is told already that it begins.
  Result<void> begin(const dockerfile::Instruction& from);
  /// One more instruction; it is told already that it begins.
  Result<void> step(const dockerfile::Instruction& instruction);
  /// One --label of the command line, as a LABEL step that is not expanded.
  Result<void> add_label(const std::string& name, const std::string& value);
  /// Waits for the images of all steps.
  Result<FinishedStage> finish();
  /// Of the RUN that failed; else 1.
  int exit_code() const { return exit_code_; }

 private:
  using Instruction = dockerfile::Instruction;

  // step_meta.cc
  Result<void> run(const dockerfile::Maintainer& v);
  Result<void> run(const dockerfile::Env& v);
  Result<void> run(const dockerfile::Label& v);
  Result<void> run(const dockerfile::Arg& v);
  Result<void> run(const dockerfile::Expose& v);
  Result<void> run(const dockerfile::User& v);
  Result<void> run(const dockerfile::Volume& v);
  Result<void> run(const dockerfile::StopSignal& v);
  Result<void> run(const dockerfile::Shell& v);
  Result<void> run(const dockerfile::Cmd& v);
  Result<void> run(const dockerfile::Entrypoint& v);
  Result<void> run(const dockerfile::Healthcheck& v);
  Result<void> run(const dockerfile::OnBuild& v);
  Result<void> run(const dockerfile::From& v);  // only as a trigger, which docker refuses
  // step_files.cc
  Result<void> run(const dockerfile::Copy& v);
  Result<void> run(const dockerfile::Add& v);
  // step_workdir.cc
  Result<void> run(const dockerfile::Workdir& v);
  // step_run.cc
  Result<void> run(const dockerfile::Run& v);

  // run_step.h
  struct RunStep;
  struct RunMount;
  struct RunSandbox;
  Result<void> check_run(const dockerfile::Run& v) const;
  Result<RunStep> run_step(const dockerfile::Run& v);
  std::string run_material(const RunStep& step) const;
  Result<OciRuntime> runtime();
  Result<RunSandbox> make_sandbox(const RunStep& step);
  Result<ContainerSpec> sandbox_spec(const RunSandbox& box, const RunStep& step);
  Result<void> mount_sandbox(RunSandbox& box, const RunStep& step);
  static StartOptions start_options(const RunSandbox& box, const ContainerSpec& spec,
                                    const std::string& id);
  Result<void> execute(const RunSandbox& box, const OciRuntime& runtime, const RunStep& step);
  Result<void> mount_again(RunSandbox& box, const RunStep& step);
  Result<void> keep_for_shell(RunSandbox box, const OciRuntime& runtime, const RunStep& step);

  // step_mounts.cc
  Result<std::vector<RunMount>> run_mounts(const dockerfile::Run& v);
  Result<void> find_mount_source(RunMount& m);
  Result<std::string> mount_word(const RunMount& m);
  Result<std::vector<MountStub>> mount_stubs(const RunStep& step);
  Result<void> prepare_mounts(RunSandbox& box, const RunStep& step);
  static Result<std::string> attach(RunSandbox& box, UniqueFd mount);
  struct ContextFiles;  // the files of a context
  ContextFiles files_of(const RunMount& m) const;
  Result<std::shared_ptr<CacheDir>> context_view(const RunMount& m);
  Result<void> prepare_bind(RunSandbox& box, const RunMount& m);
  Result<void> prepare_cache(RunSandbox& box, const RunMount& m);
  Result<void> prepare_secret(RunSandbox& box, const RunMount& m);
  static Result<void> write_config(const RunSandbox& box, std::string_view config);
  Result<void> prepare_agent(RunSandbox& box, const RunMount& m);

  struct FileStep;  // a COPY or ADD in the making
  Result<void> expand_file_step(FileStep& step, const dockerfile::FileCopy& v);
  Result<bool> may_find(const FileStep& step, const std::string& hint);
  Result<void> take_sources(FileStep& step);
  Result<std::size_t> take_source(FileStep& step, const std::string& written);
  Result<std::unique_ptr<LooseFile>> fetch(const FileStep& step, const std::string& url);
  Result<std::unique_ptr<LooseFile>> clone(const FileStep& step, const std::string& url);
  Result<void> copy_files(FileStep& step);
  struct NewLayer;
  Result<NewLayer> make_layer(const FileStep& step, const std::optional<Digest>& places,
                              bool has_donors) const;
  std::uint64_t find_note(Tarsums& sums, const Digest& places,
                          std::vector<DonorLayer>& donors) const;
  Result<LayerWriter> write_files(FileStep& step);
  Result<void> unpack_archives(const FileStep& step, const std::vector<std::size_t>& archives,
                               const CacheDir& layer, const std::string& place);
  Result<ImageRoot*> image_root(const std::string& from);
  /// The files that --build-context has for a name; null if it has none, or an image.
  Result<NamedContext*> named_files(const std::string& from);
  Result<void> copy_context(NamedContext& named);
  bool has_just_come(const std::string& directory) const;
  Result<std::optional<LayerWriter>> make_directory(const std::string& path);

  Result<void> start_from_stage(const FinishedStage& stage);
  Result<Image> find_image(const std::string& name, const std::string& platform);
  Result<void> start_from_image(const std::string& name, const std::string& platform);
  void start_from_scratch();
  Result<void> run_triggers(const std::vector<std::string>& triggers);

  /// Values of this point of the stage: ARG over ENV where it came later.
  std::optional<std::string> variable(std::string_view name) const;
  Result<std::string> expand(std::string_view word) const;
  std::vector<std::string> shell() const;

  /// The container_config of a step that only changes the config: Cmd is SHELL, "#(nop) ", `text`.
  RunConfig nop_config(const std::string& text) const;
  /// The container_config of COPY, ADD and WORKDIR: Cmd is SHELL and `text`.
  RunConfig step_config(const std::string& text) const;
  /// Looks a step up, commits it if it is new.
  Result<void> commit_config(const std::string& text);
  /// True on a hit: the image is the step's result and the lines are printed. `material`: of a step
  /// that has a result of its own.
  Result<bool> look_up(const RunConfig& probe, const std::string& material = "");
  bool may_look_up() const { return caching_ && !missed_; }
  /// --explain-cache: finds out why the step was not cached; says so when it is run.
  Result<void> explain(const RunConfig& probe);
  void tell_miss();
  void tell_file_miss(const CopyPlan& plan, bool unpacks);
  void announce_container();
  void announce_removal();
  /// Takes the result of an equal step from the second cache, or from elsewhere, if they have it:
  /// the step is committed.
  Result<bool> reuse(const RunConfig& container_config, const std::string& material);
  /// Whether chain_ is what the stage stands on. Does not wait for the digest of what a RUN wrote.
  bool know_chain();
  /// For caches that others read, with record_steps.
  void record(const std::string& material, const std::optional<ChainID>& parent,
              const std::optional<DiffID>& layer);
  Committer::Record recorder();
  /// The first miss: from here on there is something to commit.
  void start_committer();
  /// A step that was not in docker's cache; of the members the config of the image is filled in.
  Result<void> commit(Commit c);
  /// With an epoch: nothing that a step has written is younger.
  Result<void> settle_times(const CacheDir& upper) const;
  /// Waits for all that was committed. Then base_ has only layers that hold something: what changed
  /// nothing counts for nothing in LayerDB::kMaxDepth.
  Result<void> settle();
  /// Lets the next step stand on `layer`, which is not published yet. Above LayerDB::kMaxDepth it
  /// may only turn out to be empty: commit() waits for that.
  Result<void> stand_on(const LayerWriter& layer);
  /// The merged view of what the stage has come to; -1 if it has no layer.
  Result<int> root();

  BuildState& build_;
  std::size_t index_;
  progress::StepReport& output_;
  int exit_code_ = 1;
  RunConfig config_;
  std::string author_;
  StageArgs args_;
  bool caching_ = true;   // caches are asked at all
  bool own_cmd_ = false;  // CMD was given in this stage
  bool missed_ = false;   // after the first miss nothing is looked up
  bool in_trigger_ = false;
  std::optional<CacheMiss> miss_;      // of this step, with --explain-cache
  std::string container_;              // 12 digits that stand for the container of the step
  std::optional<ImageID> base_image_;  // of FROM
  StageImage image_;                   // up to the first miss
  LayerBase base_;
  std::optional<ChainID> chain_;  // of base_; see know_chain()
  bool chain_known_ = true;
  bool reading_run_ = false;              // the layer of a RUN is being hashed
  std::shared_ptr<CacheDir> init_layer_;  // below the writable layer of RUN; see step_run.cc
  UniqueFd root_;                         // merged view of base_, when someone has asked for it
  std::unique_ptr<Committer> committer_;  // after the first miss
};

}  // namespace strata::build

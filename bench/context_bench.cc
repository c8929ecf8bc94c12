// What a build does with a context that has not changed, step by step, on the file system of
// TMPDIR. Argument: files, 100 in a directory. Reported: files/s.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "base/io.h"
#include "build/source_tree.h"
#include "build/stat_memo.h"
#include "build/tarsum.h"
#include "scratch_dir.h"

namespace strata::build {
namespace {

/// A context, and a place for its memo.
class Context {
 public:
  explicit Context(std::int64_t files) {
    const auto path = dir_.path();
    std::filesystem::create_directory(path + "/own");
    for (std::int64_t i = 0; i < files; i++) {
      auto directory = fmt::format("{}/src/part{:02}/d{:05}", path, i / 2500, i / 100);
      if (i % 100 == 0) std::filesystem::create_directories(directory);
      std::ofstream(fmt::format("{}/file{:06}.txt", directory, i)) << "content " << i;
    }
    root_ = *open_dir(AT_FDCWD, path + "/src");
    own_ = *open_dir(AT_FDCWD, path + "/own");
  }

  int root() const { return root_.get(); }
  SourceTree tree() const { return {root(), {}}; }
  /// As of a day on which all files are old enough to be recorded.
  StatMemo memo() const { return {own_.get(), root(), Time{Time::now().seconds + 86400, 0}}; }

 private:
  ScratchDir dir_;
  UniqueFd root_;
  UniqueFd own_;
};

/// One for each number of files, until the end: to make it takes longer than to measure.
const Context& context_of(std::int64_t files) {
  static std::map<std::int64_t, std::unique_ptr<Context>> made;
  auto& context = made[files];
  if (!context) context = std::make_unique<Context>(files);
  return *context;
}

void count_files(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_Walk(benchmark::State& state) {
  const auto& context = context_of(state.range(0));
  for (auto _ : state) {
    auto tree = context.tree();
    benchmark::DoNotOptimize(tree.list(""));
  }
  count_files(state);
}
BENCHMARK(BM_Walk)
    ->RangeMultiplier(10)
    ->Range(500, 50'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void sum_all(const Context& context, StatMemo* memo) {
  auto tree = context.tree();
  Tarsums sums(tree, SumOwner::Root, {}, memo);
  SourceFile root;
  root.mode = S_IFDIR | 0755;
  if (!sums.of(root)) std::abort();
}

void BM_SumsReadAnew(benchmark::State& state) {
  const auto& context = context_of(state.range(0));
  for (auto _ : state) sum_all(context, nullptr);
  count_files(state);
}
BENCHMARK(BM_SumsReadAnew)
    ->RangeMultiplier(10)
    ->Range(500, 50'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_SumsOfTheMemo(benchmark::State& state) {
  const auto& context = context_of(state.range(0));
  auto first = context.memo();
  sum_all(context, &first);
  first.save();
  for (auto _ : state) {
    auto memo = context.memo();
    sum_all(context, &memo);
  }
  count_files(state);
}
BENCHMARK(BM_SumsOfTheMemo)
    ->RangeMultiplier(10)
    ->Range(500, 50'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace strata::build

BENCHMARK_MAIN();

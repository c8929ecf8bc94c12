#include <benchmark/benchmark.h>

#include "cli/go_template.h"
#include "image/json.h"

namespace strata::cli {
namespace {

constexpr std::string_view kRow =
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if "
    ".CreatedSince}}{{.CreatedSince}}{{end}}\t{{.Size}}";

void BM_ParseTemplate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(GoTemplate::parse(kRow));
}
BENCHMARK(BM_ParseTemplate);

// One row of `images --format`.
void BM_ExecuteTemplate(benchmark::State& state) {
  auto row = *GoTemplate::parse(kRow);
  auto data = *Json::parse(
      R"({"Repository":"app","Tag":"1","ID":"0123456789ab","CreatedSince":"2 days ago","Size":"77MB"})");
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(row.execute(data, out));
  }
}
BENCHMARK(BM_ExecuteTemplate);

// `inspect` of an image with 60 variables.
void BM_ExecuteTemplateJson(benchmark::State& state) {
  auto whole = *GoTemplate::parse("{{json .Config}}");
  std::string env;
  for (int i = 0; i < 60; i++) env += fmt::format("{}\"NAME{}=value {}\"", i == 0 ? "" : ",", i, i);
  auto data = *Json::parse("{\"Config\":{\"Env\":[" + env + "]}}");
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(whole.execute(data, out));
  }
}
BENCHMARK(BM_ExecuteTemplateJson)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace strata::cli

BENCHMARK_MAIN();

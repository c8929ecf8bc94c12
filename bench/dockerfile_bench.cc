#include <benchmark/benchmark.h>

#include "dockerfile/expand.h"
#include "dockerfile/ignore_file.h"
#include "dockerfile/parser.h"

namespace df = strata::dockerfile;

// 200 lines in the style of a language image: long RUN lines, ENV, COPY. Reported: bytes/s.
static std::string two_hundred_lines() {
  std::string text = "FROM debian:bookworm AS build\n";
  for (int block = 0; block < 19; block++)
    text +=
        "ENV PATH=/opt/bin:$PATH VERSION=\"1.2.3\" \\\n"
        "    LANG=C.UTF-8\n"
        "RUN set -eux; \\\n"
        "\tapt-get update; \\\n"
        "# a comment within\n"
        "\tapt-get install -y --no-install-recommends ca-certificates curl gnupg; \\\n"
        "\trm -rf /var/lib/apt/lists/*\n"
        "\n"
        "COPY --chown=1000:1000 --from=build requirements.txt setup.py /srv/app/\n"
        "LABEL org.opencontainers.image.title=\"An image\" org.example.block='yes'\n";
  return text + "USER nobody\nWORKDIR /srv\nEXPOSE 80 443\nCMD [\"python\", \"-m\", \"app\"]\n";
}

static void BM_Parse200Lines(benchmark::State& state) {
  const std::string text = two_hundred_lines();
  for (auto _ : state) benchmark::DoNotOptimize(df::parse(text, "Dockerfile"));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_Parse200Lines)->Unit(benchmark::kMicrosecond);

static void BM_ExpandWord(benchmark::State& state) {
  const df::Lookup lookup = [](std::string_view) { return std::optional<std::string>("/usr/bin"); };
  for (auto _ : state)
    benchmark::DoNotOptimize(df::expand_word("\"$A/x\":${B:-none}:${C%/*}", '\\', lookup));
}
BENCHMARK(BM_ExpandWord);

// 20 patterns over 50,000 paths, as a walk of a context with a node_modules does. Reported:
// paths/s.
static void BM_Ignore50000Paths(benchmark::State& state) {
  const df::IgnoreMatcher matcher = *df::IgnoreMatcher::parse(
      ".git\n.gitignore\n**/node_modules\n**/*.log\n**/.DS_Store\ndist\nbuild/*\n*.md\n!README.md\n"
      "docs/**\n**/*.test.js\ncoverage\n.env*\n**/__pycache__\n**/*.py[co]\ntmp\nDockerfile*\n"
      ".dockerignore\n**/.cache\n!**/keep.me\n");
  std::vector<std::string> paths;
  for (int i = 0; i < 50'000; i++)
    paths.push_back("packages/part" + std::to_string(i % 97) + "/src/components/file" +
                    std::to_string(i) + ".js");
  for (auto _ : state)
    for (const std::string& path : paths) benchmark::DoNotOptimize(matcher.ignored(path));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(paths.size()));
}
BENCHMARK(BM_Ignore50000Paths)->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();

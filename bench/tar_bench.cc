#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tar/crc64.h"
#include "tar/reader.h"
#include "tar/split.h"
#include "tar/writer.h"

// Unless said otherwise one iteration is one layer of 10,000 small files; bytes are those of its
// tar.

namespace {

using strata::tar::Entry;

constexpr int kFiles = 10000;

/// Names as long as those of a Python installation.
std::vector<Entry> layer() {
  std::vector<Entry> entries;
  for (int i = 0; i < kFiles; i++) {
    Entry e;
    e.name = "usr/lib/python3/dist-packages/package" + std::to_string(i % 300) + "/module_" +
             std::to_string(i) + ".py";
    e.mode = 0644;
    e.size = i % 7 * 311;
    e.mtime = {1700000000 + i, 0};
    entries.push_back(std::move(e));
  }
  return entries;
}

std::string archive() {
  std::string out;
  for (const Entry& e : layer()) {
    (void)strata::tar::append_header(out, e);
    out.append(static_cast<std::size_t>(e.size), 'c').append(strata::tar::padding(e.size));
  }
  return out.append(strata::tar::end_marker());
}

}  // namespace

static void BM_AppendHeader(benchmark::State& state) {
  const auto entries = layer();
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (const Entry& e : entries) benchmark::DoNotOptimize(strata::tar::append_header(out, e));
  }
  state.SetBytesProcessed(state.iterations() * kFiles *
                          static_cast<std::int64_t>(strata::tar::kBlock));
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(BM_AppendHeader)->Unit(benchmark::kMillisecond);

static void BM_AppendPaxHeader(benchmark::State& state) {
  auto entries = layer();
  for (Entry& e : entries) e.uid = 3000000;
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (const Entry& e : entries) benchmark::DoNotOptimize(strata::tar::append_header(out, e));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(BM_AppendPaxHeader)->Unit(benchmark::kMillisecond);

static void BM_Reader(benchmark::State& state) {
  const std::string bytes = archive();
  std::vector<char> buffer(64 << 10);
  for (auto _ : state) {
    strata::StringSource source(bytes);
    strata::tar::Reader reader(source);
    auto entry = reader.next();
    while (entry && *entry) {
      while (*reader.read(buffer) > 0) {
      }
      entry = reader.next();
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(BM_Reader)->Unit(benchmark::kMillisecond);

// A segment of one header and 300 bytes of padding, and a file, for each file; gzip included.
static void BM_SplitWriter(benchmark::State& state) {
  const auto entries = layer();
  const std::string padding(300, '\0');
  std::string segment;
  std::int64_t bytes = 0;
  std::size_t compressed = 0;
  for (auto _ : state) {
    compressed = 0;
    strata::tar::SplitWriter split([&](std::string_view piece) {
      compressed += piece.size();
      return strata::Result<void>();
    });
    for (const Entry& e : entries) {
      segment = padding;
      (void)strata::tar::append_header(segment, e);
      benchmark::DoNotOptimize(split.segment(segment));
      benchmark::DoNotOptimize(split.file(e.name, e.size, 0x0123456789abcdef));
      bytes += static_cast<std::int64_t>(segment.size());
    }
    benchmark::DoNotOptimize(split.finish());
  }
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(state.iterations() * kFiles);
  state.counters["gz_bytes"] = static_cast<double>(compressed);
}
BENCHMARK(BM_SplitWriter)->Unit(benchmark::kMillisecond);

static void BM_SplitReader(benchmark::State& state) {
  std::string compressed;
  strata::tar::SplitWriter split([&](std::string_view piece) {
    compressed += piece;
    return strata::Result<void>();
  });
  std::int64_t bytes = 0;
  for (const Entry& e : layer()) {
    std::string segment(300, '\0');
    (void)strata::tar::append_header(segment, e);
    benchmark::DoNotOptimize(split.segment(segment));
    benchmark::DoNotOptimize(split.file(e.name, e.size, 0x0123456789abcdef));
    bytes += static_cast<std::int64_t>(segment.size());
  }
  benchmark::DoNotOptimize(split.finish());
  for (auto _ : state) {
    strata::StringSource source(compressed);
    strata::tar::SplitReader reader(source);
    auto entry = reader.next();
    while (entry && *entry) entry = reader.next();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(BM_SplitReader)->Unit(benchmark::kMillisecond);

// Argument: bytes per call.
static void BM_Crc64(benchmark::State& state) {
  std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(strata::tar::crc64(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc64)->Arg(64)->Arg(4096)->Arg(1 << 20);

BENCHMARK_MAIN();

// How fast layers are born: the same files as a tree, as a tar and as an upper directory, on the
// file system of TMPDIR. Bytes per second are those of the files' contents. Layers stay until the
// end of a benchmark: an ext4 without journal scans recently deleted inodes at every creation,
// which takes fifty times as long as the rest.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "scratch_dir.h"
#include "store/layer_writer.h"
#include "tar/writer.h"

namespace strata {
namespace {

/// A store that is gone at the end.
class Scratch {
 public:
  const Store& store() const { return *store_; }

 private:
  ScratchDir dir_;  // first: the store is in it
  std::unique_ptr<Store> store_ = *Store::open(dir_.path() + "/root", Store::Access::Write);
};

/// `count` files of `size` bytes, 50 in a directory.
struct Files {
  std::vector<tar::Entry> entries;
  std::string content;

  Files(std::int64_t count, std::int64_t size) : content(static_cast<std::size_t>(size), 'x') {
    for (std::int64_t i = 0; i < count; i++) {
      auto dir = fmt::format("d{:06}", i / 50);
      if (i % 50 == 0) entries.push_back(make(dir, tar::EntryType::Directory, 0755, 0));
      entries.push_back(
          make(fmt::format("{}/f{:06}", dir, i), tar::EntryType::Regular, 0644, size));
    }
  }

  static tar::Entry make(std::string name, tar::EntryType type, std::uint32_t mode,
                         std::int64_t size) {
    tar::Entry entry;
    entry.name = std::move(name);
    entry.type = type;
    entry.mode = mode;
    entry.size = size;
    entry.mtime = {1700000000, 0};
    return entry;
  }
};

/// Their tar, made as it is read: in one piece it would be 256 MiB of memory that is new each time,
/// which can cost more than a layer.
class TarSource final : public ByteSource {
 public:
  explicit TarSource(const Files& files) : files_(files) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    while (piece_.empty() && next_ <= 3 * files_.entries.size()) piece_ = make(next_++);
    auto n = std::min(buffer.size(), piece_.size());
    std::copy_n(piece_.data(), n, buffer.data());
    piece_.remove_prefix(n);
    return n;
  }

 private:
  /// Of each entry header, content and padding; then the end.
  std::string_view make(std::size_t index) {
    if (index == 3 * files_.entries.size()) return tar::end_marker();
    const auto& entry = files_.entries[index / 3];
    if (index % 3 == 1) return entry.size > 0 ? files_.content : std::string_view();
    if (index % 3 == 2) return tar::padding(entry.size);
    header_.clear();
    (void)tar::append_header(header_, entry);
    return header_;
  }

  const Files& files_;
  std::string header_;
  std::string_view piece_;
  std::size_t next_ = 0;
};

void add_all(LayerWriter& writer, const Files& files) {
  for (const auto& entry : files.entries) {
    StringSource source(entry.size > 0 ? files.content : std::string_view());
    if (!writer.add(entry, &source)) std::abort();
  }
}

void count(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) * state.range(1));
}

void BM_Tree(benchmark::State& state) {
  Scratch scratch;
  Files files(state.range(0), state.range(1));
  std::vector<LayerWriter> kept;
  for (auto _ : state) {
    auto writer = *LayerWriter::create(scratch.store(), {}, {});
    add_all(writer, files);
    benchmark::DoNotOptimize(writer.seal());
    kept.push_back(std::move(writer));
  }
  count(state);
}

void BM_Tar(benchmark::State& state) {
  Scratch scratch;
  Files files(state.range(0), state.range(1));
  std::vector<LayerWriter> kept;
  for (auto _ : state) {
    auto writer = *LayerWriter::create(scratch.store(), {}, {});
    TarSource source(files);
    if (!writer.add_tar(source)) std::abort();
    benchmark::DoNotOptimize(writer.seal());
    kept.push_back(std::move(writer));
  }
  count(state);
}

void BM_Upper(benchmark::State& state) {
  Scratch scratch;
  auto made = *LayerWriter::create(scratch.store(), {}, {});
  add_all(made, Files(state.range(0), state.range(1)));
  for (auto _ : state) {
    auto writer = *LayerWriter::adopt(scratch.store(), made.cache());
    benchmark::DoNotOptimize(writer.seal());
  }
  count(state);
}

/// Everything is in another layer already.
void BM_Donors(benchmark::State& state) {
  Scratch scratch;
  Files files(state.range(0), state.range(1));
  auto first = *LayerWriter::create(scratch.store(), {}, {});
  add_all(first, files);
  if (!first.seal() || !first.publish(std::nullopt)) std::abort();
  std::vector<LayerWriter> kept;
  for (auto _ : state) {
    auto writer =
        *LayerWriter::create(scratch.store(), {}, *find_donors(scratch.store(), std::nullopt));
    add_all(writer, files);
    benchmark::DoNotOptimize(writer.seal());
    kept.push_back(std::move(writer));
  }
  count(state);
}

// {files, bytes each}: source code, object files, one large file.
#define SIZES                \
  ->Args({10000, 4000})      \
      ->Args({200, 1 << 20}) \
      ->Args({1, 256 << 20}) \
      ->UseRealTime()        \
      ->Unit(benchmark::kMillisecond)
BENCHMARK(BM_Tree) SIZES;
BENCHMARK(BM_Tar) SIZES;
BENCHMARK(BM_Upper) SIZES;
BENCHMARK(BM_Donors) SIZES;

}  // namespace
}  // namespace strata

BENCHMARK_MAIN();

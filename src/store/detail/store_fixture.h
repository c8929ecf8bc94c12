#pragma once

// For the tests of this room only.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/process.h"
#include "base/test_dir.h"
#include "store/layer_reader.h"
#include "store/layer_writer.h"
#include "tar/writer.h"

namespace strata {

/// The value of a Result; without one the test ends here and says why.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return *std::move(result);
}

#define EXPECT_OK(...)                                      \
  do {                                                      \
    auto ok_ = (__VA_ARGS__);                               \
    EXPECT_TRUE(ok_) << (ok_ ? "" : ok_.error().message()); \
  } while (false)

/// The error of a Result that must fail.
template <class T>
std::string message_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

inline tar::Entry make_entry(const std::string& name, tar::EntryType type, std::uint32_t mode,
                             std::int64_t size = 0) {
  tar::Entry entry;
  entry.name = name;
  entry.type = type;
  entry.mode = mode;
  entry.size = size;
  entry.mtime = {1700000000, 0};
  return entry;
}
inline tar::Entry dir_entry(const std::string& name, std::uint32_t mode = 0755) {
  return make_entry(name, tar::EntryType::Directory, mode);
}
inline tar::Entry file_entry(const std::string& name, std::size_t size, std::uint32_t mode = 0644) {
  return make_entry(name, tar::EntryType::Regular, mode, static_cast<std::int64_t>(size));
}
inline tar::Entry link_entry(const std::string& name, const std::string& target,
                             tar::EntryType type = tar::EntryType::Symlink) {
  auto entry = make_entry(name, type, 0777);
  entry.linkname = target;
  return entry;
}

/// An archive in memory.
class TarText {
 public:
  TarText& add(const tar::Entry& entry, const std::string& content = {}) {
    auto header = tar::append_header(bytes_, entry);
    EXPECT_TRUE(header) << message_of(header);
    bytes_ += content;
    bytes_ += tar::padding(static_cast<std::int64_t>(content.size()));
    return *this;
  }
  TarText& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  std::string end() const { return bytes_ + std::string(tar::end_marker()); }
  const std::string& open_end() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Runs a program that must succeed; the first line of its output.
inline std::string run_tool(const std::vector<std::string>& argv) {
  Command command;
  command.argv = argv;
  auto output = must(run_and_capture(std::move(command)));
  EXPECT_TRUE(output.status.success()) << output.err;
  return output.out.substr(0, output.out.find('\n'));
}

/// A value of security.capability.
inline const std::string kCapability(
    "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);

/// A data-root of its own, open for writing.
class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = base_ + "/root";
    reopen();
  }

  void reopen() {
    store_.reset();
    store_ = must(Store::open(root_, Store::Access::Write));
  }

  std::string path(const std::string& below) const { return root_ + "/" + below; }
  std::string read(const std::string& below) const {
    return must(read_file(AT_FDCWD, path(below)));
  }
  mode_t mode(const std::string& below) const {
    return must(stat_at(AT_FDCWD, path(below))).st_mode & 07777;
  }
  bool there(const std::string& below) const {
    return ::faccessat(AT_FDCWD, path(below).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }
  std::string layer_dir(ChainID id) const {
    return "image/overlay2/layerdb/sha256/" + id.digest().hex();
  }
  std::string diff_path(const LayerInfo& layer, const std::string& name = {}) const {
    return "overlay2/" + layer.cache_id + "/diff" + (name.empty() ? "" : "/" + name);
  }

  /// Every path of the store, to compare before and after, without what only says which process
  /// works with what.
  std::vector<std::string> contents() const {
    std::vector<std::string> all;
    for (const auto& e : std::filesystem::recursive_directory_iterator(root_)) {
      auto path = e.path().string();
      bool is_note = path.find("/strata/leases") != std::string::npos ||
                     path.find("/strata/unsynced") != std::string::npos || path.ends_with(".lock");
      if (!is_note) all.push_back(std::move(path));
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  LayerWriter writer(const std::vector<DiffID>& below = {}, std::vector<DonorLayer> donors = {}) {
    auto base = must(layer_base(*store_, below));
    return must(LayerWriter::create(*store_, base, std::move(donors)));
  }

  static void add(LayerWriter& w, const tar::Entry& entry, const std::string& content = {}) {
    StringSource source(content);
    EXPECT_OK(w.add(entry, &source));
  }

  LayerInfo publish(LayerWriter w, const std::optional<ChainID>& parent = std::nullopt) {
    must(w.seal());
    return must(w.publish(parent));
  }

  /// A layer from a tar.
  Result<LayerInfo> apply(const std::string& tar, const std::vector<DiffID>& below = {}) {
    auto w = writer(below);
    StringSource source(tar);
    TRY(w.add_tar(source));
    (void)TRY(w.seal());
    std::optional<ChainID> parent;
    if (!below.empty()) parent = chain_ids(below).back();
    return w.publish(parent);
  }

  /// The tar of the layer, rebuilt.
  std::string rebuilt(const LayerInfo& layer) {
    std::string bytes;
    EXPECT_OK(read_layer(*store_, layer, [&](std::string_view piece) -> Result<void> {
      bytes += piece;
      return {};
    }));
    return bytes;
  }

  static ImageConfig config_of(const std::vector<DiffID>& diff_ids) {
    ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.created = {1700000000, 0};
    config.diff_ids = diff_ids;
    for (std::size_t i = 0; i < diff_ids.size(); i++) {
      HistoryEntry step;
      step.created = config.created;
      step.created_by = "step " + std::to_string(i);
      config.history.push_back(step);
    }
    return config;
  }
  ImageID put_image(const std::vector<DiffID>& diff_ids, const std::string& tag) {
    auto id =
        must(store_->images().put(encode_image_config(config_of(diff_ids)), std::nullopt, false));
    must(store_->references().set(must(Reference::parse_normalized(tag)), id));
    return id;
  }

  static std::string tool(const std::string& name) {
    return std::filesystem::path(__FILE__).parent_path().string() + "/../../../tests/tools/" + name;
  }

  /// The independent checker of tests/tools has nothing to say.
  void expect_sound(const std::vector<std::string>& options = {"--expect-clean"}) {
    store_.reset();
    Command command;
    command.argv = {"python3", tool("store_check.py"), root_};
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    auto output = must(run_and_capture(std::move(command)));
    EXPECT_TRUE(output.status.success()) << output.out << output.err;
    reopen();
  }

  TestDir dir_{"strata-store-"};  // first: what follows lives in it
  std::string base_ = dir_.path();
  std::string root_;
  std::unique_ptr<Store> store_;
};

}  // namespace strata

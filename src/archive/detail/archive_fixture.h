#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>
#include <utility>
#include <vector>

#include "archive/contents.h"
#include "archive/members.h"
#include "base/io.h"
#include "image/json.h"
#include "tar/writer.h"

// Only for tests: archives made in memory.
namespace strata::archive {

/// The text of a tar, member by member.
class TarText {
 public:
  TarText& file(const std::string& name, std::string_view content) {
    tar::Entry entry;
    entry.name = name;
    entry.mode = 0644;
    entry.size = static_cast<std::int64_t>(content.size());
    return put(entry).raw(content).raw(tar::padding(entry.size));
  }
  TarText& link(const std::string& name, const std::string& target,
                tar::EntryType type = tar::EntryType::Symlink) {
    tar::Entry entry;
    entry.name = name;
    entry.type = type;
    entry.linkname = target;
    return put(entry);
  }
  TarText& put(const tar::Entry& entry) {
    EXPECT_TRUE(tar::append_header(text_, entry));
    return *this;
  }
  TarText& raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  std::string end() const { return text_ + std::string(tar::end_marker()); }

 private:
  std::string text_;
};

inline UniqueFd memory_file(std::string_view bytes) {
  UniqueFd fd(::memfd_create("archive", MFD_CLOEXEC));
  EXPECT_TRUE(write_all(fd.get(), bytes));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

inline Result<std::unique_ptr<Members>> index_text(std::string_view bytes) {
  return index_tar(memory_file(bytes), 0);
}

inline std::string layer_text(const std::string& file, std::string_view content) {
  return TarText().file(file, content).end();
}

/// A config with these layers.
inline std::string config_text(const std::vector<std::string>& layers,
                               const std::string& os = "linux") {
  ImageConfig config;
  config.architecture = "amd64";
  config.os = os;
  for (const auto& layer : layers) config.diff_ids.emplace_back(sha256(layer));
  return encode_image_config(config);
}

template <class T>
std::string message_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

}  // namespace strata::archive

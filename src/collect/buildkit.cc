#include "collect/buildkit.h"

#include <cstring>
#include <optional>
#include <set>

#include "base/io.h"

namespace strata {
namespace {

constexpr std::size_t kMaxDatabase = std::size_t{1} << 30;  // bytes
constexpr std::uint32_t kMagic = 0xED0CDAED;
constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kElement = 16;
constexpr std::size_t kBucketHeader = 16;
constexpr std::size_t kChecked = 56;  // bytes of a meta page that its checksum covers
constexpr int kMaxDepth = 64;

enum : std::uint16_t { kBranch = 1, kLeaf = 2 };

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);  // little-endian, as bolt on this machine
  return value;
}

Error bad_database() { return Error(ErrorCode::Corrupt, "not a sound bolt database"); }

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

struct Meta {
  std::size_t page_size = 0;
  std::uint64_t root = 0;
  std::uint64_t transaction = 0;
};

std::optional<Meta> read_meta(std::string_view file, std::size_t at) {
  if (file.size() < at + kPageHeader + kChecked + 8) return std::nullopt;
  auto meta = file.substr(at + kPageHeader);
  if (number_at<std::uint32_t>(meta, 0) != kMagic || number_at<std::uint32_t>(meta, 4) != 2 ||
      number_at<std::uint64_t>(meta, kChecked) != fnv1a(meta.substr(0, kChecked)))
    return std::nullopt;
  Meta m{number_at<std::uint32_t>(meta, 8), number_at<std::uint64_t>(meta, 16),
         number_at<std::uint64_t>(meta, 48)};
  return m.page_size >= 512 ? std::optional(m) : std::nullopt;
}

class BoltReader {
 public:
  BoltReader(std::string_view file, std::size_t page_size) : file_(file), page_size_(page_size) {}

  Result<void> page(std::uint64_t id, int depth) {
    if (depth > kMaxDepth || id > file_.size() / page_size_ || !seen_.insert(id).second)
      return bad_database();
    auto begin = static_cast<std::size_t>(id) * page_size_;
    if (file_.size() < begin + kPageHeader) return bad_database();
    auto pages = std::size_t{number_at<std::uint32_t>(file_, begin + 12)} + 1;
    if (pages > (file_.size() - begin) / page_size_) return bad_database();
    return node(file_.substr(begin, pages * page_size_), depth);
  }

  std::string contents;

 private:
  Result<void> node(std::string_view page, int depth) {
    if (page.size() < kPageHeader || depth > kMaxDepth) return bad_database();
    auto flags = number_at<std::uint16_t>(page, 8);
    std::size_t count = number_at<std::uint16_t>(page, 10);
    if (page.size() < kPageHeader + count * kElement || (flags != kBranch && flags != kLeaf))
      return bad_database();
    for (std::size_t i = 0; i < count; i++) {
      auto at = kPageHeader + i * kElement;
      if (flags == kBranch)
        TRY(this->page(number_at<std::uint64_t>(page, at + 8), depth + 1));
      else
        TRY(leaf(page.substr(at), depth));
    }
    return {};
  }

  /// One element of a leaf; `bytes` begin with it and reach to the end of the page.
  Result<void> leaf(std::string_view bytes, int depth) {
    bool is_bucket = (number_at<std::uint32_t>(bytes, 0) & 1) != 0;
    std::size_t begin = number_at<std::uint32_t>(bytes, 4);
    std::size_t key = number_at<std::uint32_t>(bytes, 8);
    std::size_t value = number_at<std::uint32_t>(bytes, 12);
    if (begin > bytes.size() || key + value > bytes.size() - begin) return bad_database();
    contents.append(bytes.substr(begin, key));
    auto content = bytes.substr(begin + key, value);
    if (is_bucket) contents += '\n';
    if (!is_bucket) {
      contents.append(content) += '\n';
      return {};
    }
    if (content.size() < kBucketHeader) return bad_database();
    auto root = number_at<std::uint64_t>(content, 0);
    // A small bucket's only page stands in the value itself.
    return root != 0 ? page(root, depth + 1) : node(content.substr(kBucketHeader), depth + 1);
  }

  std::string_view file_;
  std::size_t page_size_;
  std::set<std::uint64_t> seen_;
};

}  // namespace

Result<std::string> bolt_contents(std::string_view file) {
  auto newest = read_meta(file, 0);
  auto second = read_meta(file, newest ? newest->page_size : 4096);
  if (second && (!newest || second->transaction > newest->transaction)) newest = second;
  if (!newest) return bad_database();
  BoltReader reader(file, newest->page_size);
  TRY(reader.page(newest->root, 0));
  return std::move(reader.contents);
}

Result<std::string> buildkit_names(const Store& store) {
  auto file = read_file(store.dir(), "buildkit/snapshots.db", kMaxDatabase);
  if (!file && file.error().code() == ErrorCode::NotFound) return std::string();
  if (!file) return std::move(file).error();
  auto contents = bolt_contents(*file);
  return contents ? std::move(contents) : std::move(file);
}

}  // namespace strata

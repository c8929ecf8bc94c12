#include "store/layer_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "base/temp_dir.h"
#include "store/detail/apply_tar.h"
#include "store/detail/copy_upper.h"
#include "store/detail/donor_files.h"
#include "store/detail/layer_recorder.h"
#include "store/detail/record_upper.h"
#include "store/detail/tree_writer.h"
#include "tar/crc64.h"
#include "tar/writer.h"

namespace strata {

struct LayerWriter::State {
  /// What its layer has been made of so far.
  enum class Kind : std::uint8_t { Nothing, Tree, Tar, Upper };

  State(const Store& s, std::shared_ptr<CacheDir> c, TempDir f)
      : store(s), cache(std::move(c)), files(std::move(f)) {}

  const Store& store;
  std::shared_ptr<CacheDir> cache;
  std::optional<TempDir> files;  // the layerdb entry to be; holds tar-split.json.gz
  Kind kind = Kind::Nothing;
  bool has_failed = false;
  bool is_settling = false;                       // no more entries
  std::vector<UniqueFd> donors;                   // their directories `diff`
  bool knows_first = false;                       // of the donors; see know_first_donor()
  std::optional<detail::DonorFiles> donor_files;  // for add_known()
  std::unique_ptr<detail::TreeWriter> tree;
  std::unique_ptr<detail::LayerRecorder> recorder;
  std::optional<SealedLayer> sealed;
  Result<void> settled;  // of cache(), for seal() to report

  static Result<std::unique_ptr<State>> open(const Store& store, std::shared_ptr<CacheDir> cache);
  static Result<void> check_name(const tar::Entry& entry);
  Result<void> begin(Kind wanted, detail::TreeWriter::Order order);
  Result<void> add(const tar::Entry& entry, ByteSource* content);
  Result<void> add_content(const tar::Entry& entry, ByteSource& content);
  Result<void> add_known(const tar::Entry& entry, std::uint64_t crc, ByteSource& content);
  std::optional<detail::DonorFiles::Found> find_known(const tar::Entry& entry);
  Result<bool> link_known(detail::DonorFiles::Found donor, const tar::Entry& entry,
                          std::uint64_t crc);
  Result<void> add_tar(ByteSource& tar);
  Result<void> add_upper(int upper);
  Result<void> begin_settling();
  Result<void> settle();
  Result<SealedLayer> seal();
  Result<LayerInfo> publish(const std::optional<ChainID>& parent);
  Result<void> complete_cache(const std::optional<LayerInfo>& parent);
  Result<void> empty_work(bool wanted);
};

namespace {

/// Of the tar without entries, 1024 zero bytes: a step that gives it adds no layer.
const DiffID& empty_tar() {
  static const DiffID kId{sha256(tar::end_marker())};
  return kId;
}

/// A donor's file, of which the CRC is made on the way. If it cannot be read or has become shorter,
/// zeros follow, and it has none.
class CheckedFile final : public ByteSource {
 public:
  CheckedFile(int fd, std::int64_t size) : source_(fd), left_(size) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    auto room = buffer.first(std::min(buffer.size(), static_cast<std::size_t>(left_)));
    if (room.empty()) return std::size_t{0};  // without asking the kernel
    auto n = source_.read(room);
    if (!n || *n == 0) {
      std::fill(room.begin(), room.end(), '\0');
      n = room.size();
      is_whole_ = false;
    }
    crc_ = tar::crc64({room.data(), *n}, crc_);
    left_ -= static_cast<std::int64_t>(*n);
    return n;
  }

  /// When it was read.
  std::optional<std::uint64_t> crc() const {
    return is_whole_ ? std::optional(crc_) : std::nullopt;
  }

 private:
  FdSource source_;
  std::int64_t left_;  // bytes
  std::uint64_t crc_ = 0;
  bool is_whole_ = true;
};

}  // namespace

Result<void> LayerWriter::State::check_name(const tar::Entry& entry) {
  auto path = TRY(tar::clean_name(entry.name));
  if (path.empty() || path != entry.name)
    return Error(ErrorCode::InvalidArgument, "not the clean path of a file");
  return {};
}

Result<std::unique_ptr<LayerWriter::State>> LayerWriter::State::open(
    const Store& store, std::shared_ptr<CacheDir> cache) {
  auto files = TRY(store.layers().begin());
  auto split =
      TRY(open_at(files.fd(), "tar-split.json.gz", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  if (::fchmod(split.get(), 0644) < 0) return Error::from_errno(errno, "chmod tar-split.json.gz");
  auto state = std::make_unique<State>(store, std::move(cache), std::move(files));
  state->recorder = std::make_unique<detail::LayerRecorder>(std::move(split));
  return state;
}

/// Checks that the call fits what was called before. Whatever fails later makes the layer unusable:
/// the flag comes off when a call has succeeded.
Result<void> LayerWriter::State::begin(Kind wanted, detail::TreeWriter::Order order) {
  if (has_failed) return Error(ErrorCode::Internal, "the layer has failed before");
  if (sealed || is_settling || (kind != Kind::Nothing && kind != wanted))
    return Error(ErrorCode::Internal, "the layer takes no more entries");
  if (kind == Kind::Nothing)
    tree = std::make_unique<detail::TreeWriter>(cache->diff(), donors, order);
  kind = wanted;
  has_failed = true;
  return {};
}

Result<void> LayerWriter::State::add(const tar::Entry& entry, ByteSource* content) {
  TRY(check_name(entry));
  TRY(begin(Kind::Tree, detail::TreeWriter::Order::Sorted));
  if (entry.type == tar::EntryType::Directory) {
    auto named = entry;
    named.name += '/';
    TRY(recorder->member(named));
  } else {
    TRY(recorder->member(entry));
  }
  if (entry.type == tar::EntryType::Regular) {
    StringSource none{std::string_view()};
    TRY(add_content(entry, content != nullptr ? *content : none));
  } else {
    TRY(recorder->then([this, entry] { return tree->put(entry, entry.name); }));
  }
  has_failed = false;
  return {};
}

Result<void> LayerWriter::State::add_content(const tar::Entry& entry, ByteSource& content) {
  TRY(recorder->then([this, entry] { return tree->begin_file(entry, entry.name); }));
  TRY(recorder->content(content, entry.size,
                        [this](std::string_view bytes) { return tree->content(bytes); }));
  TRY(recorder->then([this] { return tree->end_file(); }));
  return recorder->segment(tar::padding(entry.size));
}

Result<void> LayerWriter::State::add_known(const tar::Entry& entry, std::uint64_t crc,
                                           ByteSource& content) {
  auto donor = find_known(entry);
  if (!donor) return add(entry, &content);
  TRY(check_name(entry));
  TRY(begin(Kind::Tree, detail::TreeWriter::Order::Sorted));
  TRY(recorder->member(entry));
  if (!TRY(link_known(*std::move(donor), entry, crc))) TRY(add_content(entry, content));
  has_failed = false;
  return {};
}

/// False if the donor's file has another content: then the right one must follow.
Result<bool> LayerWriter::State::link_known(detail::DonorFiles::Found donor,
                                            const tar::Entry& entry, std::uint64_t crc) {
  CheckedFile file(donor.fd.get(), entry.size);
  auto bytes = TRY(recorder->doubtful_content(file, entry.size));
  if (file.crc() != crc) {
    recorder->drop_content();
    return false;
  }
  recorder->keep_content(crc);
  detail::FileWriter::Equal equal{donor.donor, donor.inode, {}};
  if (bytes.empty()) equal.file = std::make_shared<const UniqueFd>(std::move(donor.fd));
  TRY(recorder->then([this, entry, equal = std::move(equal), bytes] {
    return tree->equal_file(entry, entry.name, equal, bytes);
  }));
  TRY(recorder->segment(tar::padding(entry.size)));
  return true;
}

std::optional<detail::DonorFiles::Found> LayerWriter::State::find_known(const tar::Entry& entry) {
  if (!knows_first) return std::nullopt;
  if (!donor_files) donor_files.emplace(donors);
  auto slash = entry.name.rfind('/');
  auto directory = std::string_view(entry.name).substr(0, slash == std::string::npos ? 0 : slash);
  return donor_files->find_known(directory, entry.name.substr(slash + 1), entry);  // npos + 1 is 0
}

Result<void> LayerWriter::State::add_tar(ByteSource& tar) {
  if (kind != Kind::Nothing) return Error(ErrorCode::Internal, "a layer is made of one tar");
  TRY(begin(Kind::Tar, detail::TreeWriter::Order::Any));
  TRY(detail::apply_tar(tar, *tree, *recorder));
  TRY(settle());
  has_failed = false;
  return {};
}

Result<void> LayerWriter::State::add_upper(int upper) {
  TRY(begin(Kind::Tree, detail::TreeWriter::Order::Sorted));
  TRY(detail::copy_upper(upper, *tree, *recorder));
  has_failed = false;
  return {};
}

Result<void> LayerWriter::State::begin_settling() {
  if (!tree || is_settling) return {};
  is_settling = true;
  TRY(recorder->then([this] { return tree->settle(); }));
  return recorder->push();
}

Result<void> LayerWriter::State::settle() {
  TRY(begin_settling());
  return tree ? recorder->wait() : Result<void>();
}

Result<SealedLayer> LayerWriter::State::seal() {
  if (has_failed || sealed) return Error(ErrorCode::Internal, "the layer cannot be sealed");
  has_failed = true;
  SealedLayer result;
  if (kind == Kind::Upper) {
    result.size = TRY(detail::record_upper(cache->diff(), *recorder));
  } else {
    TRY(std::exchange(settled, Result<void>()));
    TRY(settle());
    if (tree) result.size = tree->size();
    if (kind != Kind::Tar) TRY(recorder->segment(tar::end_marker()));
  }
  result.diff_id = DiffID(TRY(recorder->finish()));
  result.empty = result.diff_id == empty_tar();
  tree.reset();
  recorder.reset();
  sealed = result;
  has_failed = false;
  return result;
}

Result<LayerInfo> LayerWriter::State::publish(const std::optional<ChainID>& parent) {
  if (has_failed || !sealed || !files) return Error(ErrorCode::Internal, "the layer is not sealed");
  const auto& layers = store.layers();
  LayerInfo layer;
  layer.diff_id = sealed->diff_id;
  layer.size = sealed->size;
  layer.parent = parent;
  layer.chain_id = chain_id(parent, layer.diff_id);
  layer.cache_id = cache->id();
  // Held before it is looked for: what is found then stays, until an image names it.
  TRY(store.hold(layer.chain_id));
  std::optional<LayerInfo> below;
  if (parent) TRY(store.hold(*parent));
  if (parent) below = TRY(layers.get(*parent));
  if (!layers.contains(layer.chain_id)) {
    TRY(complete_cache(below));
    auto published = layers.publish(*std::exchange(files, std::nullopt), layer);
    if (published) {
      cache->keep();
      return layer;
    }
    // Conflict: somebody was faster.
    if (published.error().code() != ErrorCode::Conflict) return std::move(published).error();
  }
  files.reset();
  return layers.get(layer.chain_id);
}

/// Everything of the cache directory that depends on what it stands on.
Result<void> LayerWriter::State::complete_cache(const std::optional<LayerInfo>& parent) {
  if (parent) {
    auto lowers = TRY(store.caches().stack(parent->cache_id));
    if (lowers.size() >= LayerDB::kMaxDepth)
      return Error(ErrorCode::InvalidArgument, "max depth exceeded");
    TRY(store.caches().set_parent(cache->id(), parent->cache_id, lowers));
  }
  return empty_work(parent.has_value());
}

/// `work` is there exactly if there is a parent, and empty: an adopted one still has what the
/// kernel left in it, among that the mark of a volatile mount.
Result<void> LayerWriter::State::empty_work(bool wanted) {
  auto work = cache->id() + "/work";
  int overlay = store.caches().dir();
  if (wanted && ::mkdirat(overlay, work.c_str(), 0700) == 0) {  // nearly always: there was none
    if (::fchmodat(overlay, work.c_str(), 0700, 0) < 0)
      return Error::from_errno(errno, "chmod " + work);
    return {};
  }
  auto removed = remove_tree(overlay, work);
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  return wanted ? make_dirs(overlay, work, 0700) : Result<void>();
}

LayerWriter::LayerWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LayerWriter::LayerWriter(LayerWriter&&) noexcept = default;
LayerWriter& LayerWriter::operator=(LayerWriter&&) noexcept = default;
LayerWriter::~LayerWriter() = default;

Result<LayerWriter> LayerWriter::create(const Store& store, const LayerBase& base,
                                        std::vector<DonorLayer> donors) {
  auto cache = TRY(store.caches().create(/*with_work=*/!base.lowers.empty()));
  auto state = TRY(State::open(store, std::move(cache)));
  for (auto& donor : donors) state->donors.push_back(std::move(donor.diff));
  return LayerWriter(std::move(state));
}

Result<LayerWriter> LayerWriter::adopt(const Store& store, std::shared_ptr<CacheDir> upper) {
  auto state = TRY(State::open(store, std::move(upper)));
  state->kind = State::Kind::Upper;
  return LayerWriter(std::move(state));
}

void LayerWriter::expect_much() { state_->recorder->expect_much(); }

void LayerWriter::know_first_donor() { state_->knows_first = true; }

Result<void> LayerWriter::add(const tar::Entry& entry, ByteSource* content) {
  auto done = state_->add(entry, content);
  if (!done && !state_->recorder->has_failed_task()) done.error().add_context(entry.name);
  return done;
}

Result<void> LayerWriter::add_known(const tar::Entry& entry, std::uint64_t crc,
                                    ByteSource& content) {
  auto done = state_->add_known(entry, crc, content);
  if (!done && !state_->recorder->has_failed_task()) done.error().add_context(entry.name);
  return done;
}

Result<void> LayerWriter::add_tar(ByteSource& tar) { return state_->add_tar(tar); }

Result<void> LayerWriter::add_upper(int upper) { return state_->add_upper(upper); }

int LayerWriter::diff() const { return state_->cache->diff(); }

const std::string& LayerWriter::cache_id() const { return state_->cache->id(); }

std::shared_ptr<CacheDir> LayerWriter::cache() const {
  // Whoever stands on it must see the final times of directories.
  if (state_->settled) state_->settled = state_->settle();
  return state_->cache;
}

Result<void> LayerWriter::begin_settling() {
  auto done = state_->begin_settling();
  state_->has_failed = state_->has_failed || !done;
  return done;
}

Result<void> LayerWriter::settle() {
  auto done = state_->settle();
  state_->has_failed = state_->has_failed || !done;
  return done;
}

Result<SealedLayer> LayerWriter::seal() { return state_->seal(); }

Result<LayerInfo> LayerWriter::publish(const std::optional<ChainID>& parent) {
  return state_->publish(parent);
}

}  // namespace strata

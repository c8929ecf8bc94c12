#include "store/store.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "base/io.h"
#include "store/format_version.h"
#include "store/image_notes.h"
#include "store/lease.h"
#include "store/reclaim.h"

namespace strata {

struct Store::State {
  std::string path;
  UniqueFd root;
  UniqueFd image_dir;
  UniqueFd own;
  UniqueFd containers;
  std::optional<FileLock> daemon_lock;  // shared: no dockerd starts
  std::optional<FileLock> own_lock;     // shared: no garbage collection starts
  std::optional<Lease> lease;           // only if open for writing
  std::optional<Unsynced> unsynced;     // the same
  std::optional<ImageDB> images;
  std::optional<LayerDB> layers;
  std::optional<References> references;
  std::optional<Overlay2> caches;
};

namespace {

constexpr const char* kDaemonLock = "volumes/metadata.db";
constexpr const char* kOwnLock = "strata/lock";

struct Directory {
  const char* path;
  mode_t mode;
};

/// What dockerd would have made at its first start, as far as Strata uses it (docs/store.md, 0 and
/// 5.3), parents first.
constexpr Directory kLayout[] = {
    {"image", 0700},
    {"image/overlay2", 0700},
    {"image/overlay2/imagedb", 0700},
    {"image/overlay2/imagedb/content", 0700},
    {"image/overlay2/imagedb/content/sha256", 0700},
    {"image/overlay2/imagedb/metadata", 0700},
    {"image/overlay2/imagedb/metadata/sha256", 0700},
    {"image/overlay2/layerdb", 0700},
    {"image/overlay2/layerdb/sha256", 0755},
    {"image/overlay2/layerdb/tmp", 0755},
    {"image/overlay2/layerdb/mounts", 0755},
    {"overlay2", 0710},
    {"overlay2/l", 0700},
    {"containers", 0710},
    {"strata", 0700},
};

bool exists(int dir, const char* path) { return ::faccessat(dir, path, F_OK, 0) == 0; }

/// Opens the data-root, made if absent. An empty directory becomes one, with dockerd's mode.
Result<UniqueFd> open_root(const std::string& path) {
  auto root = open_dir(AT_FDCWD, path);
  if (root && exists(root->get(), "image")) return root;
  TRY(make_dirs(AT_FDCWD, path, 0755));
  root = TRY(open_dir(AT_FDCWD, path));
  if (TRY(list_dir(root->get())).empty() && ::fchmod(root->get(), 0710) < 0)
    return Error::from_errno(errno, "chmod " + path);
  return root;
}

Result<std::string> resolved(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real) return Error::from_errno(errno, "resolve " + path);
  return std::string(real.get());
}

/// Are those there that nothing is below?
bool has_layout(int root) {
  std::string_view next;
  return std::all_of(std::rbegin(kLayout), std::rend(kLayout), [&](const Directory& directory) {
    bool is_parent = next.starts_with(directory.path);
    next = directory.path;
    return is_parent || exists(root, directory.path);
  });
}

Result<void> make_layout(int root) {
  if (has_layout(root)) return {};
  for (const auto& [path, mode] : kLayout) TRY(make_dirs(root, path, mode));
  return {};
}

/// Takes part in the lock that a dockerd holds alone for its whole life.
Result<FileLock> lock_out_dockerd(int root, const std::string& path) {
  TRY(make_dirs(root, "volumes", 0701));
  auto lock = FileLock::try_acquire(root, kDaemonLock, FileLock::Mode::Shared);
  if (lock || lock.error().code() != ErrorCode::Conflict) return lock;
  auto pid = running_dockerd(root);
  return Error(ErrorCode::Conflict,
               fmt::format("dockerd{} is running on {}: strata only reads there; stop it or use "
                           "another --root",
                           pid ? fmt::format(" (pid {})", *pid) : "", path));
}

/// One line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 812 08:01:1835020 0 EOF"; waiting locks have
/// "->" after the number. The pid, if it is an exclusive flock on `file`.
std::optional<int> exclusive_holder(std::string_view line, const struct stat& file) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; words.size() < 6;) {
    begin = line.find_first_not_of(' ', begin);
    if (begin == std::string_view::npos) return std::nullopt;
    auto end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  auto id = fmt::format("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
  if (words[1] != "FLOCK" || words[3] != "WRITE" || words[5] != id) return std::nullopt;
  int pid = 0;
  auto [end, error] = std::from_chars(words[4].data(), words[4].data() + words[4].size(), pid);
  return error == std::errc() && pid > 0 ? std::optional(pid) : std::nullopt;
}

/// What stands for a volume in a lease.
Digest volume_digest(const std::string& name) { return sha256("volume " + name); }

}  // namespace

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& root, Access access) {
  auto state = std::make_unique<State>();
  State& s = *state;
  s.root = TRY(open_root(root));
  s.path = TRY(resolved(root));
  int dir = s.root.get();
  if (access == Access::Write) {
    s.daemon_lock = TRY(lock_out_dockerd(dir, s.path));
    TRY(make_layout(dir));
    s.own_lock = TRY(FileLock::acquire(dir, kOwnLock, FileLock::Mode::Shared));
  } else if (!exists(dir, "image/overlay2/imagedb/metadata/sha256")) {
    TRY(make_layout(dir));
  }
  s.image_dir = TRY(open_dir(dir, "image/overlay2"));
  // A reader leaves a store that only a dockerd used as it is.
  if (access == Access::Write || exists(dir, "strata")) s.own = TRY(open_dir(dir, "strata"));
  bool has_version = s.own && TRY(check_format_version(s.own.get()).context("{}", s.path));
  if (access == Access::Write && !has_version) TRY(write_format_version(s.own.get()));
  if (access == Access::Write) s.lease.emplace(s.own.get());
  s.containers = TRY(open_dir(dir, "containers"));
  s.images.emplace(TRY(open_dir(dir, "image/overlay2/imagedb/content/sha256")),
                   TRY(open_dir(dir, "image/overlay2/imagedb/metadata/sha256")));
  s.layers.emplace(TRY(open_dir(dir, "image/overlay2/layerdb")));
  s.references.emplace(s.image_dir.get(), s.own.get());
  if (access == Access::Write) TRY(s.references->create_if_missing());
  s.caches.emplace(TRY(open_dir(dir, "overlay2")));
  std::unique_ptr<Store> store(new Store(std::move(state)));
  if (access == Access::Write) TRY(store->begin_writing());
  return store;
}

/// What is written from here on is noted, and what was written before a power cut is looked at.
Result<void> Store::begin_writing() {
  State& s = *state_;
  s.unsynced.emplace(s.own.get());
  s.images->note_in(*s.unsynced, s.own.get());
  auto note = [this](const std::string& path) { return note_work(path); };
  s.layers->note_in(*s.unsynced, note);
  s.caches->note_in(note);
  TRY(reclaim_dead(*this));
  return settle_unsynced(*this);
}

const std::string& Store::path() const { return state_->path; }
int Store::dir() const { return state_->root.get(); }
int Store::own_dir() const { return state_->own.get(); }
int Store::containers_dir() const { return state_->containers.get(); }
const ImageDB& Store::images() const { return *state_->images; }
const LayerDB& Store::layers() const { return *state_->layers; }
const References& Store::references() const { return *state_->references; }
Overlay2& Store::caches() const { return *state_->caches; }

bool Store::is_writable() const { return state_->lease.has_value(); }

const Unsynced& Store::unsynced() const { return *state_->unsynced; }

namespace {

/// A sync that begins now makes it durable; else it is still to come.
bool is_published(const Store& store, const Unsynced::Name& name) {
  if (name.kind == "container") return stat_at(store.containers_dir(), name.hex).has_value();
  auto digest = Digest::parse("sha256:" + name.hex);
  if (!digest) return true;
  return name.kind == "layer" ? store.layers().contains(ChainID(*digest))
                              : store.images().contains(ImageID(*digest));
}

}  // namespace

Result<void> Store::sync() const {
  std::vector<Unsynced::Name> done;
  if (state_->unsynced) done = TRY(state_->unsynced->list());
  std::erase_if(done, [&](const auto& name) { return !is_published(*this, name); });
  if (::syncfs(dir()) < 0) return Error::from_errno(errno, "sync " + path());
  for (const auto& name : done) state_->unsynced->remove(name);
  return {};
}

Result<bool> Store::needs_sync() const {
  auto names = TRY(state_->unsynced->list());
  return std::any_of(names.begin(), names.end(), [](const auto& n) { return !n.is_time(); });
}

Result<void> Store::sync_published() const { return TRY(needs_sync()) ? sync() : Result<void>(); }

Result<void> Store::hold(ChainID id) const {
  return state_->lease ? state_->lease->add(id.digest()) : Result<void>();
}

Result<void> Store::hold(ImageID id) const {
  return state_->lease ? state_->lease->add(id.digest()) : Result<void>();
}

Result<void> Store::hold_all(
    const std::vector<std::pair<ImageID, std::vector<ChainID>>>& images) const {
  if (!state_->lease) return {};
  std::vector<Digest> ids;
  for (const auto& [image, chains] : images) {
    ids.push_back(image.digest());
    for (const auto& chain : chains) ids.push_back(chain.digest());
  }
  return state_->lease->add_all(ids);
}

Result<void> Store::hold_volume(const std::string& name) const {
  return state_->lease ? state_->lease->add(volume_digest(name)) : Result<void>();
}

Result<void> Store::note_work(const std::string& path) const {
  return state_->lease ? state_->lease->note(path) : Result<void>();
}

bool Store::Removal::holds_volume(const std::string& name) const {
  return held.contains(volume_digest(name));
}

Result<FileLock> Store::keep_all() const { return lock_removal(own_dir(), FileLock::Mode::Shared); }

Result<Store::Removal> Store::begin_removal() const {
  if (state_->lease) TRY(state_->lease->begin());  // what is removed is noted, under this lock
  auto lock = TRY(lock_removal(own_dir(), FileLock::Mode::Exclusive));
  auto held = TRY(leased_ids(own_dir()));
  return Removal{std::move(lock), std::move(held)};
}

Result<bool> Store::take_alone() {
  state_->own_lock.reset();  // two locks of one process exclude each other, too
  auto alone = FileLock::try_acquire(dir(), kOwnLock, FileLock::Mode::Exclusive);
  bool is_alone = alone.has_value();
  if (!alone && alone.error().code() != ErrorCode::Conflict) return std::move(alone).error();
  if (!alone) alone = FileLock::acquire(dir(), kOwnLock, FileLock::Mode::Shared);
  state_->own_lock = TRY(std::move(alone));
  return is_alone;
}

void Store::release() {
  state_->lease.reset();
  state_->own_lock.reset();
  state_->daemon_lock.reset();
}

std::optional<int> running_dockerd(int root) {
  auto file = stat_at(root, kDaemonLock);
  auto locks = read_file(AT_FDCWD, "/proc/locks");
  if (!file || !locks) return std::nullopt;
  std::string_view rest = *locks;
  while (!rest.empty()) {
    auto end = std::min(rest.find('\n'), rest.size() - 1);
    if (auto pid = exclusive_holder(rest.substr(0, end), *file)) return pid;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

namespace {

Error no_such_image(std::string_view text) {
  return Error(ErrorCode::NotFound, fmt::format("No such image: {}", text));
}

/// A reader, also of a store that is not his, notes nothing.
void note_use(const Store& store, ImageID id) {
  if (store.is_writable()) ImageNotes(store.own_dir()).note_use(id);
}

std::string_view without_algorithm(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  if (text.substr(0, kAlgorithm.size()) == kAlgorithm) text.remove_prefix(kAlgorithm.size());
  return text;
}

}  // namespace

Result<bool> hold_image(const Store& store, const Image& image) {
  std::vector<ChainID> top;
  if (!image.config.diff_ids.empty()) top.push_back(chain_ids(image.config.diff_ids).back());
  TRY(store.hold_all({{image.id, std::move(top)}}));
  return store.images().contains(image.id);
}

Result<Image> take_image(const Store& store, std::string_view text) {
  while (true) {
    auto id = TRY(resolve_image(store, text));
    auto image = store.images().get(id);
    if (image && TRY(hold_image(store, *image))) {
      note_use(store, image->id);
      return image;
    }
    // Removed since it was found: its name may mean another one now, or none.
    if (!image && image.error().code() != ErrorCode::NotFound) return std::move(image).error();
  }
}

Result<ImageID> put_child_image(const Store& store, std::string_view config,
                                const std::optional<ImageID>& parent) {
  TRY(store.hold(ImageID(sha256(config))));
  auto kept = TRY(store.keep_all());
  auto known = parent && store.images().contains(*parent) ? parent : std::nullopt;
  return store.images().put(config, known, /*built_locally=*/true);
}

Result<void> name_image(const Store& store, const Reference& name, ImageID id, Time now) {
  return sync_and_name(store, {name}, id, now, /*lazy=*/true);
}

Result<std::optional<References::Prepared>> sync_with(const Store& store,
                                                      const References::Names& names) {
  if (!TRY(store.needs_sync())) return std::optional<References::Prepared>();
  auto prepared = TRY(store.references().prepare(names));
  TRY(store.sync());
  return prepared;
}

Result<void> sync_and_name(const Store& store, const std::vector<Reference>& names, ImageID id,
                           Time now, bool lazy) {
  References::Names wanted;
  for (const auto& name : names) wanted.emplace_back(name, id);
  auto prepared = lazy ? std::optional<References::Prepared>() : TRY(sync_with(store, wanted));
  if (names.empty()) return {};
  auto kept = TRY(store.keep_all());
  if (!store.images().contains(id)) return no_such_image(id.str());
  TRY(store.references().set_all(wanted, prepared ? &*prepared : nullptr));
  note_use(store, id);
  return store.images().set_last_updated(id, now);
}

Result<ImageID> resolve_image(const Store& store, std::string_view text) {
  auto hex = without_algorithm(text);
  if (is_full_id(hex)) {
    ImageID id(TRY(Digest::parse("sha256:" + std::string(hex))));
    if (store.images().contains(id)) return id;
    return no_such_image(id.str());
  }
  auto ref = TRY(Reference::parse_normalized(text));
  auto tagged = TRY(store.references().get(ref));
  if (tagged && store.images().contains(*tagged)) return *tagged;
  if (auto found = store.images().find(hex)) return found;
  return no_such_image(ref.with_default_tag().familiar());
}

}  // namespace strata

#include "store/references.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/file_lock.h"
#include "base/io.h"
#include "image/json.h"

namespace strata {
namespace {

constexpr const char* kFile = "repositories.json";
constexpr const char* kLock = "references.lock";

/// The key of a reference: name@digest or name:tag, never both.
std::string key_of(const Reference& ref) {
  Reference key = ref.with_default_tag();
  if (key.digest) key.tag.clear();
  return key.familiar();
}

std::string encode(const References::Repositories& repositories) {
  std::string out = R"({"Repositories":{)";
  bool is_first = true;
  for (const auto& [name, references] : repositories) {
    if (!std::exchange(is_first, false)) out += ',';
    append_go_json_string(out, name);
    out += ":{";
    bool is_first_of_name = true;
    for (const auto& [reference, image] : references) {
      if (!std::exchange(is_first_of_name, false)) out += ',';
      append_go_json_string(out, reference);
      out += ":\"" + image.str() + '"';
    }
    out += '}';
  }
  return out + "}}";
}

/// Whether Digest::parse() takes it. Without a way out in the loop, so that it takes many
/// characters at once.
bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.size() != kPrefix.size() + 2 * Digest::kBytes || !text.starts_with(kPrefix))
    return false;
  unsigned wrong = 0;
  for (char c : text.substr(kPrefix.size()))
    wrong |= static_cast<unsigned>((c < '0' || c > '9') & (c < 'a' || c > 'f'));
  return wrong == 0;
}

/// A file, of which a little is in memory at a time: the whole one of a store with many images
/// would be on fresh pages, which cost more than all that is done with it.
class Window {
 public:
  static constexpr std::size_t kAhead = 1024;  // longer than any entry

  explicit Window(int fd) : fd_(fd) {}

  /// `rest`, the end of what the last call gave, and what follows it: at least kAhead bytes, or
  /// all.
  std::string_view go_on(std::string_view rest) {
    if (rest.size() >= kAhead || at_end_) return rest;
    if (!rest.empty()) std::memmove(buffer_, rest.data(), rest.size());
    auto n = read_full(fd_, buffer_ + rest.size(), sizeof buffer_ - rest.size());
    at_end_ = !n || *n < sizeof buffer_ - rest.size();
    return {buffer_, rest.size() + (n ? *n : 0)};
  }

 private:
  int fd_;
  bool at_end_ = false;
  char buffer_[std::size_t{16} << 10];
};

/// Reads what dockerd and encode() write: no white space, no escapes, nothing else beside it.
/// Everything that looks otherwise, right or wrong, is for the parser.
class PlainRepositories {
 public:
  explicit PlainRepositories(std::string_view text) : rest_(text) {}
  /// Borrows `window`. Where the file cannot be read it is not of that form.
  explicit PlainRepositories(Window* window) : window_(window) {}

  /// Calls visit(repository, reference, digest), with the right text of a digest: who looks for one
  /// of many need not turn all into numbers. False if it is not of that form.
  template <class Visit>
  bool visit(const Visit& visit) {
    go_on();
    if (!take(R"({"Repositories":{)")) return false;
    for (bool more = !rest_.starts_with('}'); more; more = take(","))
      if (!repository(visit)) return false;
    bool is_closed = take("}}");
    go_on();
    return is_closed && rest_.empty();
  }

 private:
  template <class Visit>
  bool repository(const Visit& visit) {
    std::string_view name;
    go_on();
    if (!string(name) || !take(":{")) return false;
    name_ = name;
    for (bool more = !rest_.starts_with('}'); more; more = take(",")) {
      std::string_view reference;
      std::string_view image;
      go_on();
      if (!string(reference) || !take(":") || !quoted(image) || !is_digest(image)) return false;
      visit(std::string_view(name_), reference, image);
    }
    return take("}");
  }

  void go_on() {
    if (window_ != nullptr) rest_ = window_->go_on(rest_);
  }

  bool string(std::string_view& out) {
    if (!quoted(out)) return false;
    unsigned other = 0;
    for (char c : out) other |= static_cast<unsigned>((c <= ' ') | (c == 127) | (c == '\\'));
    return other == 0;
  }

  bool quoted(std::string_view& out) {
    if (!take("\"")) return false;
    auto end = rest_.find('"');
    if (end == std::string_view::npos) return false;
    out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Window* window_ = nullptr;
  std::string_view rest_;
  std::string name_;  // of the repository at hand
};

ImageID image_id(std::string_view digest) { return ImageID(*Digest::parse(digest)); }

/// As PlainRepositories::visit(), of the file in `dir`.
template <class Visit>
bool visit_plain(int dir, const Visit& visit) {
  auto fd = open_at(dir, kFile, O_RDONLY);
  if (!fd) return false;
  Window window(fd->get());
  return PlainRepositories(&window).visit(visit);
}

/// Then the copy, which follows without a sync: the file itself is safe by now.
Result<void> save(int dir, int copy_dir, const References::Repositories& repositories) {
  auto text = encode(repositories);
  TRY(write_file_atomic(dir, kFile, text, 0600, /*sync=*/true));
  return write_file_atomic(copy_dir, kFile, text, 0600);
}

std::optional<ImageID> look_up(const References::Repositories& repositories, const Reference& ref) {
  auto repository = repositories.find(ref.familiar_name());
  if (repository == repositories.end()) return std::nullopt;
  auto found = repository->second.find(key_of(ref));
  return found == repository->second.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

Result<void> visit_repositories(std::string_view text, const VisitReference& visit) {
  auto plain = [&](auto name, auto reference, auto image) {
    visit(name, reference, image_id(image));
  };
  if (PlainRepositories(text).visit(plain)) return {};
  auto json = TRY(Json::parse(text));
  if (!json.is_object()) return Error(ErrorCode::Corrupt, "not a JSON object");
  for (const auto& [name, references] : json["Repositories"].as_object()) {
    for (const auto& [reference, image] : references.as_object()) {
      auto digest = Digest::parse(image.as_string());
      if (!digest) return Error(ErrorCode::Corrupt, reference + " does not lead to an image ID");
      visit(name, reference, ImageID(*digest));
    }
  }
  return {};
}

Result<References::Repositories> parse_repositories(std::string_view text) {
  References::Repositories repositories;
  auto last = repositories.end();
  TRY(visit_repositories(text, [&](std::string_view name, std::string_view reference, ImageID id) {
    if (last == repositories.end() || last->first != name)
      last = repositories.try_emplace(std::string(name)).first;
    last->second.insert_or_assign(last->second.end(), std::string(reference), id);
  }));
  return repositories;
}

Result<void> References::create_if_missing() const {
  if (stat_at(image_dir_, kFile)) return {};
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  if (stat_at(image_dir_, kFile)) return {};
  auto copy = load_copy();
  return save(image_dir_, lock_dir_, copy ? *copy : Repositories());
}

Result<std::string> References::read() const {
  auto text = read_file(image_dir_, kFile);
  if (!text && text.error().code() == ErrorCode::NotFound) return encode({});
  return text;
}

Result<References::Repositories> References::load() const {
  return parse_repositories(TRY(read())).context("{}", kFile);
}

Result<References::Repositories> References::load_copy() const {
  return parse_repositories(TRY(read_file(lock_dir_, kFile))).context("strata/{}", kFile);
}

Result<void> References::save_copy() const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  return write_file_atomic(lock_dir_, kFile, encode(TRY(load())), 0600);
}

Result<void> References::replace(const Repositories& repositories) const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  return save(image_dir_, lock_dir_, repositories);
}

Result<std::optional<ImageID>> References::get(const Reference& ref) const {
  auto repository = ref.familiar_name();
  auto key = key_of(ref);
  std::optional<ImageID> found;
  auto look = [&](auto name, auto reference, auto image) {
    if (reference == key && name == repository) found = image_id(image);
  };
  if (visit_plain(image_dir_, look)) return found;
  found.reset();
  auto text = TRY(read());
  TRY(visit_repositories(text, [&](auto name, auto reference, ImageID id) {
        if (reference == key && name == repository) found = id;
      }).context("{}", kFile));
  return found;
}

Result<std::vector<std::string>> References::names_of(ImageID id) const {
  std::set<std::string> names;
  auto wanted = id.str();
  auto look = [&](auto, auto reference, auto image) {
    if (image == wanted) names.emplace(reference);
  };
  if (!visit_plain(image_dir_, look)) {
    names.clear();
    auto text = TRY(read());
    TRY(visit_repositories(text, [&](auto, auto reference, ImageID image) {
          if (image == id) names.emplace(reference);
        }).context("{}", kFile));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::optional<ImageID>> References::set(const Reference& ref, ImageID id) const {
  auto before = TRY(set_all({{ref, id}}));
  return before[0];
}

namespace {

/// Whether that is a change.
bool put_name(References::Repositories& repositories, const Reference& ref, ImageID id) {
  auto& named = repositories[ref.familiar_name()][key_of(ref)];
  return std::exchange(named, id) != id;
}

}  // namespace

/// Of a few names this is cheaper to know than all that are there are to load.
Result<bool> References::has_all(const Names& names) const {
  constexpr std::size_t kFew = 4;
  if (names.size() > kFew) return false;
  for (const auto& [ref, id] : names)
    if (TRY(get(ref)) != id) return false;
  return true;
}

Result<std::vector<std::optional<ImageID>>> References::set_all(const Names& names,
                                                                Prepared* prepared) const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  std::vector<std::optional<ImageID>> before;
  if (TRY(has_all(names))) {
    for (const auto& [ref, id] : names) before.emplace_back(id);
    return before;
  }
  auto repositories = TRY(load());
  bool changed = false;
  for (const auto& [ref, id] : names) {
    before.push_back(look_up(repositories, ref));
    changed = put_name(repositories, ref, id) || changed;
  }
  if (!changed) return before;
  if (prepared == nullptr || prepared->text_ != encode(repositories)) {
    TRY(save(image_dir_, lock_dir_, repositories));
    return before;
  }
  TRY(prepared->file_.publish(/*sync=*/true));
  TRY(write_file_atomic(lock_dir_, kFile, prepared->text_, 0600));
  return before;
}

Result<std::optional<References::Prepared>> References::prepare(const Names& names) const {
  if (TRY(has_all(names))) return std::optional<Prepared>();
  auto repositories = TRY(load());
  bool changed = false;
  for (const auto& [ref, id] : names) changed = put_name(repositories, ref, id) || changed;
  if (!changed) return std::optional<Prepared>();
  auto text = encode(repositories);
  auto file = TRY(FileDraft::write(image_dir_, kFile, text, 0600));
  return std::optional(Prepared(std::move(text), std::move(file)));
}

Result<bool> References::remove(const Reference& ref) const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  auto repositories = TRY(load());
  if (!look_up(repositories, ref)) return false;
  auto repository = repositories.find(ref.familiar_name());
  repository->second.erase(key_of(ref));
  if (repository->second.empty()) repositories.erase(repository);
  TRY(save(image_dir_, lock_dir_, repositories));
  return true;
}

Result<std::vector<Reference>> References::remove_all(ImageID id) const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  auto repositories = TRY(load());
  auto removed = references_of(repositories, id);
  if (removed.empty()) return removed;
  for (auto& [name, references] : repositories)
    std::erase_if(references, [&](const auto& entry) { return entry.second == id; });
  std::erase_if(repositories, [](const auto& repository) { return repository.second.empty(); });
  TRY(save(image_dir_, lock_dir_, repositories));
  return removed;
}

std::vector<Reference> parse_references(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, Reference>> found;
  for (const auto& name : names)
    if (auto reference = Reference::parse_normalized(name))
      found.emplace_back(reference->str(), *reference);
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Reference> references;
  for (auto& [text, reference] : found) references.push_back(std::move(reference));
  return references;
}

std::vector<Reference> references_of(const References::Repositories& repositories, ImageID id) {
  std::vector<std::string> names;
  for (const auto& [name, references] : repositories)
    for (const auto& [text, image] : references)
      if (image == id) names.push_back(text);
  return parse_references(names);
}

std::map<ImageID, std::vector<std::string>> references_by_image(
    const References::Repositories& repositories) {
  std::map<ImageID, std::vector<std::string>> by_image;
  for (const auto& [name, references] : repositories)
    for (const auto& [reference, image] : references) by_image[image].push_back(reference);
  for (auto& [image, references] : by_image) std::sort(references.begin(), references.end());
  return by_image;
}

}  // namespace strata

#include "store/references.h"

#include <algorithm>

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
  Json::Object names;
  for (const auto& [name, references] : repositories) {
    Json::Object entries;
    for (const auto& [reference, image] : references) entries.emplace_back(reference, image.str());
    names.emplace_back(name, std::move(entries));
  }
  return Json::object({{"Repositories", std::move(names)}}).dump();
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

Result<References::Repositories> parse_repositories(std::string_view text) {
  References::Repositories repositories;
  auto json = TRY(Json::parse(text));
  if (!json.is_object()) return Error(ErrorCode::Corrupt, "not a JSON object");
  for (const auto& [name, references] : json["Repositories"].as_object()) {
    for (const auto& [reference, image] : references.as_object()) {
      auto digest = Digest::parse(image.as_string());
      if (!digest) return Error(ErrorCode::Corrupt, reference + " does not lead to an image ID");
      repositories[name][reference] = ImageID(*digest);
    }
  }
  return repositories;
}

Result<void> References::create_if_missing() const {
  if (stat_at(image_dir_, kFile)) return {};
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  if (stat_at(image_dir_, kFile)) return {};
  auto copy = load_copy();
  return save(image_dir_, lock_dir_, copy ? *copy : Repositories());
}

Result<References::Repositories> References::load() const {
  auto text = read_file(image_dir_, kFile);
  if (!text) {
    if (text.error().code() == ErrorCode::NotFound) return Repositories();
    return std::move(text).error();
  }
  return parse_repositories(*text).context("{}", kFile);
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
  return look_up(TRY(load()), ref);
}

Result<std::optional<ImageID>> References::set(const Reference& ref, ImageID id) const {
  auto before = TRY(set_all({{ref, id}}));
  return before[0];
}

Result<std::vector<std::optional<ImageID>>> References::set_all(
    const std::vector<std::pair<Reference, ImageID>>& names) const {
  auto lock = TRY(FileLock::acquire(lock_dir_, kLock, FileLock::Mode::Exclusive));
  auto repositories = TRY(load());
  std::vector<std::optional<ImageID>> before;
  bool changed = false;
  for (const auto& [ref, id] : names) {
    before.push_back(look_up(repositories, ref));
    if (before.back() == id) continue;
    repositories[ref.familiar_name()][key_of(ref)] = id;
    changed = true;
  }
  if (changed) TRY(save(image_dir_, lock_dir_, repositories));
  return before;
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

std::vector<Reference> references_of(const References::Repositories& repositories, ImageID id) {
  std::vector<Reference> found;
  for (const auto& [name, references] : repositories)
    for (const auto& [text, image] : references)
      if (image == id)
        if (auto reference = Reference::parse_normalized(text)) found.push_back(*reference);
  std::sort(found.begin(), found.end(),
            [](const Reference& a, const Reference& b) { return a.str() < b.str(); });
  return found;
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

#include <algorithm>

#include "base/io.h"
#include "base/text.h"
#include "check/detail/checker.h"
#include "image/json.h"
#include "image/reference.h"

namespace strata::detail {
namespace {

constexpr const char* kTags = "image/overlay2/repositories.json";

/// Tags that stand where nobody looks for them.
struct Misplaced {
  References::Repositories right;  // all tags, each in its own repository
  std::vector<std::string> texts;  // "app:1 under busybox"
  std::set<ImageID> images;
};

/// docs/store.md, 5.1: the key is the name part of the references below it. Where the right place
/// is taken, what is there stays.
Misplaced find_misplaced(const References::Repositories& repositories) {
  Misplaced found;
  for (const auto& [name, references] : repositories)
    for (const auto& [text, id] : references) {
      auto reference = Reference::parse_normalized(text);
      if (reference && reference->familiar_name() == name) {
        found.right[name][text] = id;
        continue;
      }
      found.texts.push_back(text + " under " + name);
      found.images.insert(id);
    }
  for (const auto& [name, references] : repositories)
    for (const auto& [text, id] : references)
      if (auto reference = Reference::parse_normalized(text))
        found.right[reference->familiar_name()].try_emplace(text, id);
  return found;
}

}  // namespace

/// dockerd lists such a tag and cannot find it.
void Checker::check_tag_keys(const References::Repositories& repositories) {
  auto found = find_misplaced(repositories);
  if (found.texts.empty()) return;
  Finding finding{.path = kTags,
                  .what = "has " + join(found.texts, ", "),
                  .remedy = "put under the names of their repositories"};
  for (const auto& id : found.images) finding.images.push_back(name_of(id.digest().hex()));
  mend(std::move(finding), [&]() -> Result<void> {
    TRY(quarantine(kTags));
    return store_.references().replace(found.right);
  });
}

/// dockerd does not start on a broken repositories.json.
Result<void> Checker::check_tags() {
  auto references = store_.references().load();
  bool is_missing = !stat_at(store_.dir(), kTags);
  bool has_images = !TRY(store_.images().list()).empty();
  if (!references || (is_missing && has_images)) {
    auto copy = store_.references().load_copy();
    auto rescue = copy ? *copy : References::Repositories();
    for (const auto& [image, tags] : references_by_image(rescue))
      names_[image.digest().hex()] = tags.front();
    mend({.path = kTags,
          .what = references ? "is missing" : "cannot be read: " + references.error().message(),
          .remedy = copy && !copy->empty() ? "written again from the copy in strata/"
                                           : "written again without tags: there is no copy"},
         [&]() -> Result<void> {
           if (!is_missing) TRY(quarantine(kTags));
           return store_.references().replace(rescue);
         });
    return {};
  }
  for (const auto& [image, tags] : references_by_image(*references))
    names_[image.digest().hex()] = tags.front();
  check_tag_keys(*references);
  // For a store of dockerd's: from now on its tags are known in two places.
  if (request_.repair && !references->empty()) TRY(store_.references().save_copy());
  return {};
}

Result<void> Checker::check_images() {
  auto dir = TRY(open_dir(store_.dir(), kConfigs));
  auto is_wanted = [&](const ImageID& id) {
    const auto& only = request_.only;
    return only.empty() || std::find(only.begin(), only.end(), id) != only.end();
  };
  std::set<std::string> present;
  for (const auto& id : TRY(store_.images().list())) {
    if (!is_wanted(id)) continue;
    auto hex = id.digest().hex();
    present.insert(hex);
    if (unsettled_hex_.contains(hex) && !names_.contains(hex)) continue;
    report_.images++;
    auto image = store_.images().get(id);
    if (image && !want(name_of(hex), image->config))
      image = Error(ErrorCode::Corrupt, "has more than 125 layers");
    if (image) continue;
    auto path = std::string(kConfigs) + "/" + hex;
    if (restore_config(id,
                       {.path = path, .what = image.error().message(), .images = {name_of(hex)}}))
      continue;
    damage({.path = path,
            .what = image.error().message(),
            .remedy = "load or pull the image again; the config goes to strata/quarantine",
            .images = {name_of(hex)}});
    if (request_.repair) TRY(quarantine(path));
  }
  if (!request_.only.empty()) return {};
  for (const auto& [hex, tag] : names_)
    if (!present.contains(hex) && !restore_config(ImageID(TRY(Digest::parse("sha256:" + hex))),
                                                  {.path = std::string(kConfigs) + "/" + hex,
                                                   .what = "is missing, and a tag leads to it",
                                                   .images = {tag}}))
      damage({.path = kTags,
              .what = fmt::format("leads to the image {}, which is not there", hex.substr(0, 12)),
              .remedy = "load or pull the image again, or remove the tag",
              .images = {tag}});
  return {};
}

/// False if nobody has it. Its layers are wanted from then on, so that they are restored, too.
bool Checker::restore_config(const ImageID& id, Finding finding) {
  auto config = request_.donor ? request_.donor->config(id) : std::nullopt;
  auto parsed = config ? parse_image_config(*config) : Result<ImageConfig>(ImageConfig());
  if (!config || !parsed) return false;
  finding.remedy = "written again from " + request_.donor->name();
  mend(std::move(finding), [&]() -> Result<void> {
    TRY(store_.images().put(*config, std::nullopt, false));
    return {};
  });
  return want(name_of(id.digest().hex()), *parsed);
}

/// False if no store can hold so many.
bool Checker::want(const std::string& image, const ImageConfig& config) {
  if (config.diff_ids.size() > LayerDB::kMaxDepth) return false;
  std::optional<ChainID> parent;
  auto chains = chain_ids(config.diff_ids);
  for (std::size_t i = 0; i < chains.size(); i++) {
    auto [at, is_new] = index_.try_emplace(chains[i], layers_.size());
    if (is_new)
      layers_.push_back({.chain = chains[i], .diff = config.diff_ids[i], .parent = parent});
    layers_[at->second].images.insert(image);
    parent = chains[i];
  }
  return true;
}

}  // namespace strata::detail

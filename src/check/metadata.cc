#include "base/io.h"
#include "check/detail/checker.h"
#include "container/record.h"
#include "image/json.h"
#include "image/reference.h"

namespace strata::detail {
namespace {

constexpr const char* kMetadata = "image/overlay2/imagedb/metadata/sha256/";

/// docs/store.md, 1.1: the child's history is the parent's and one entry.
bool is_child(const ImageConfig& child, const ImageConfig& parent) {
  const auto& entries = parent.history;
  return child.history.size() == entries.size() + 1 &&
         std::equal(entries.begin(), entries.end(), child.history.begin());
}

}  // namespace

/// `parent`, `lastUpdated` and the like are hints: what is wrong among them is taken away.
Result<void> Checker::check_metadata() {
  if (!request_.only.empty()) return {};
  for (const auto& id : TRY(store_.images().list())) {
    auto image = store_.images().get(id);
    if (!image || unsettled_hex_.contains(id.digest().hex())) continue;
    check_parent_link(id, image->config);
    auto path = kMetadata + id.digest().hex() + "/lastUpdated";
    auto text = read_file(store_.dir(), path, 4096);
    if (!text || text->empty() || Time::parse(*text)) continue;
    mend({.path = path,
          .what = "is no time",
          .remedy = "moved to strata/quarantine",
          .images = {name_of(id.digest().hex())}},
         [&] { return quarantine(path); });
  }
  return {};
}

void Checker::check_parent_link(ImageID id, const ImageConfig& config) {
  auto path = kMetadata + id.digest().hex() + "/parent";
  auto text = read_file(store_.dir(), path, 4096);
  if (!text) return;
  auto digest = Digest::parse(*text);
  auto parent = digest ? store_.images().get(ImageID(*digest)) : Result<Image>(Image());
  const char* what = !digest                             ? "is no image ID"
                     : !parent                           ? "leads to an image that is not there"
                     : !is_child(config, parent->config) ? "leads to an image of another history"
                                                         : nullptr;
  if (what == nullptr) return;
  mend({.path = path,
        .what = what,
        .remedy = "moved to strata/quarantine",
        .images = {name_of(id.digest().hex())}},
       [&] { return quarantine(path); });
}

Result<void> Checker::check_containers() {
  if (!request_.only.empty()) return {};
  for (const auto& id : TRY(list_dir(store_.containers_dir())))
    if (is_full_id(id) && !unsettled_hex_.contains(id)) check_container(id);
  return {};
}

/// Without its record nothing is known of a container, and without its layer there is nothing to
/// start.
void Checker::check_container(const std::string& id) {
  auto path = "containers/" + id;
  auto record = load_container(store_, id);
  bool has_layer = stat_at(store_.dir(), "image/overlay2/layerdb/mounts/" + id).has_value();
  if (record && has_layer) return;
  Finding finding{.path = path};
  finding.what = record                                         ? "has no layer in layerdb/mounts"
                 : record.error().code() == ErrorCode::NotFound ? "has no config.v2.json"
                                                                : record.error().message();
  finding.remedy = "make the container again; what is left of it goes to strata/quarantine";
  damage(std::move(finding));
  if (!request_.repair) return;
  auto mount = store_.layers().mount(id);
  (void)quarantine(path);
  if (!has_layer) return;
  (void)quarantine("image/overlay2/layerdb/mounts/" + id);
  if (mount) (void)quarantine("overlay2/" + mount->mount_id);
}

}  // namespace strata::detail

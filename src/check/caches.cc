#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/random_id.h"
#include "base/text.h"
#include "check/detail/checker.h"
#include "collect/buildkit.h"
#include "image/json.h"

namespace strata::detail {
namespace {

constexpr const char* kMounts = "image/overlay2/layerdb/mounts/";

bool is_short_name(const std::string& name) {
  return name.size() == 26 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
         });
}

std::string first_word(const Result<std::string>& text) {
  return text ? text->substr(0, text->find_first_of(" \t\r\n")) : "";
}

/// The link in l/ that leads to the cache, if there is one.
std::string link_leading_to(int overlay, const std::string& target) {
  auto links = open_dir(overlay, "l");
  auto names = links ? list_dir(links->get()) : Result<std::vector<std::string>>({});
  for (const auto& name : names ? *names : std::vector<std::string>()) {
    auto leads = read_link_at(links->get(), name);
    if (leads && *leads == target && is_short_name(name)) return name;
  }
  return "";
}

Result<void> make_link(int overlay, const std::string& name, const std::string& target) {
  TRY(make_dirs(overlay, "l", 0700));
  auto path = "l/" + name;
  if (::unlinkat(overlay, path.c_str(), 0) < 0 && errno != ENOENT)
    return Error::from_errno(errno, "unlink " + path);
  if (::symlinkat(target.c_str(), overlay, path.c_str()) < 0)
    return Error::from_errno(errno, "symlink " + path);
  return {};
}

}  // namespace

void Checker::check_cache_link(const std::string& cache, const std::vector<std::string>& images) {
  int overlay = store_.caches().dir();
  auto target = "../" + cache + "/diff";
  auto text = read_file(overlay, cache + "/link", 4096);
  auto name = first_word(text);
  bool is_named = is_short_name(name);
  if (!is_named) {
    name = link_leading_to(overlay, target);
    auto remedy = name.empty() ? "a new name, also for all that stands on it" : "written from l/";
    if (name.empty()) name = random_link_name();
    if (!mend({.path = "overlay2/" + cache + "/link",
               .what = !text           ? "is missing"
                       : text->empty() ? "is empty"
                                       : "is no link name",
               .remedy = remedy,
               .images = images},
              [&] { return write_file_atomic(overlay, cache + "/link", name, 0644); }))
      unsettled_.insert(cache);
  }
  auto leads = read_link_at(overlay, "l/" + name);
  if (leads && *leads == target) return;
  if (!is_named && !request_.repair) return;  // that name would be made with its link
  mend({.path = "overlay2/l/" + name,
        .what = leads ? "leads to " + *leads : "is missing",
        .remedy = "made again from " + cache + "/link",
        .images = images},
       [&] { return make_link(overlay, name, target); });
}

/// `lower` and the parent's mark; `parent` is empty for a bottom layer.
void Checker::check_cache_parent(const std::string& cache, const std::string& parent,
                                 const std::vector<std::string>& images) {
  int overlay = store_.caches().dir();
  auto path = cache + "/lower";
  auto text = read_file(overlay, path, 64 << 10);
  std::string right;
  if (!parent.empty()) {
    auto stack = store_.caches().stack(parent);
    if (!stack || unsettled_.contains(parent)) {  // reported; --repair goes on from there
      unsettled_.insert(cache);
      return;
    }
    for (const auto& link : *stack) right += (right.empty() ? "" : ":") + link;
  }
  bool is_right = text ? first_word(text) == right && !right.empty() : right.empty();
  Finding finding{.path = "overlay2/" + path, .images = images};
  if (!is_right) {
    finding.what = !text ? "is missing" : text->empty() ? "is empty" : "does not fit its parents";
    finding.remedy = right.empty() ? "removed: it is a bottom layer" : "written from the chain";
    if (!mend(std::move(finding), [&]() -> Result<void> {
          if (right.empty()) return quarantine("overlay2/" + path);
          return store_.caches().set_parent(cache, parent);
        }))
      unsettled_.insert(cache);
    return;
  }
  if (parent.empty() || stat_at(overlay, parent + "/committed")) return;
  mend({.path = "overlay2/" + parent + "/committed",
        .what = "is missing",
        .remedy = "made again",
        .images = images},
       [&] { return store_.caches().set_parent(cache, parent); });
}

/// One without a container is no damage, however it looks: a `create` that a power cut ended. It is
/// among the leftovers.
Result<void> Checker::check_mounts() {
  if (!request_.only.empty()) return {};
  for (const auto& container : TRY(store_.layers().mounts()))
    if (!unsettled_hex_.contains(container) && stat_at(store_.containers_dir(), container))
      TRY(check_mount(container));
  return {};
}

/// init-id and parent can be known without their files; mount-id cannot.
void Checker::check_mount_words(const std::string& container, const std::string& mount_id) {
  auto path = kMounts + container;
  auto init = mount_id + "-init";
  auto mend_word = [&](const std::string& file, const std::string& right, const char* remedy) {
    auto text = read_file(store_.dir(), path + "/" + file, 4096);
    if (right.empty() || first_word(text) == right) return;
    mend({.path = path + "/" + file,
          .what = !text           ? "is missing"
                  : text->empty() ? "is empty"
                                  : "is wrong",
          .remedy = remedy},
         [&] { return write_file_atomic(store_.dir(), path + "/" + file, right, 0644); });
  };
  if (store_.caches().open_diff(init)) mend_word("init-id", init, "written from mount-id");
  auto record = read_file(store_.containers_dir(), container + "/config.v2.json");
  auto json = record ? Json::parse(*record) : Result<Json>(Json());
  auto id = Digest::parse(json ? (*json)["Image"].as_string() : "");
  if (!id) return;
  auto image = store_.images().get(ImageID(*id));
  if (!image || image->config.diff_ids.empty()) return;
  mend_word("parent", chain_ids(image->config.diff_ids).back().str(),
            "written from the container's image");
}

/// Empty if the layer cannot be used. One that an image needs has been looked at already, and may
/// only wait for --repair.
std::string Checker::cache_of(const ChainID& chain) const {
  if (auto wanted = index_.find(chain); wanted != index_.end())
    return lost_.contains(chain) ? "" : layers_[wanted->second].cache_id;
  auto layer = store_.layers().get(chain);
  return layer ? layer->cache_id : "";
}

Result<void> Checker::check_mount(const std::string& container) {
  auto path = kMounts + container;
  auto mount_id = first_word(read_file(store_.dir(), path + "/mount-id", 4096));
  if (mount_id.empty() || !store_.caches().open_diff(mount_id)) {
    damage({.path = path + "/mount-id",
            .what = mount_id.empty() ? "is empty or missing"
                                     : "names " + mount_id + ", which is not there",
            .remedy = "remove the container"});
    return {};
  }
  check_mount_words(container, mount_id);
  auto mount = store_.layers().mount(container);
  if (!mount) return {};
  check_cache_link(mount_id, {});
  if (!mount->init_id.empty()) check_cache_link(mount->init_id, {});
  std::string top;
  if (mount->parent && waiting_.contains(*mount->parent)) return {};  // for --repair
  if (mount->parent) {
    top = cache_of(*mount->parent);
    if (top.empty()) {
      damage({.path = path + "/parent",
              .what = "leads to a layer that is not there",
              .remedy = "load or pull the container's image again"});
      return {};
    }
  }
  if (!mount->init_id.empty()) check_cache_parent(mount->init_id, top, {});
  check_cache_parent(mount_id, mount->init_id.empty() ? top : mount->init_id, {});
  return {};
}

Result<std::vector<std::string>> Checker::unnamed_caches() const {
  std::set<std::string> named;
  auto layers = TRY(open_dir(store_.dir(), kLayers));
  for (const auto& name : TRY(list_dir(layers.get())))
    named.insert(first_word(read_file(layers.get(), name + "/cache-id", 4096)));
  for (const auto& container : TRY(store_.layers().mounts())) {
    auto id = first_word(read_file(store_.dir(), kMounts + container + "/mount-id", 4096));
    named.insert(id);
    named.insert(id + "-init");
  }
  auto buildkit = TRY(buildkit_names(store_));
  std::vector<std::string> unnamed;
  for (const auto& name : TRY(list_dir(store_.caches().dir()))) {
    if (name == "l" || named.contains(name)) continue;
    auto st = stat_at(store_.caches().dir(), name);
    if (!st || !S_ISDIR(st->st_mode)) continue;
    if (buildkit.find(name) == std::string::npos) unnamed.push_back(name);
  }
  return unnamed;
}

}  // namespace strata::detail

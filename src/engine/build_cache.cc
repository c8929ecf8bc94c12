#include "engine/build_cache.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "base/io.h"
#include "collect/build_cache.h"
#include "engine/filter.h"
#include "engine/log_time.h"
#include "fs/disk.h"
#include "image/json.h"
#include "image/units.h"

namespace strata {
namespace {

const char* type_of(const BuildCacheItem& item) {
  switch (item.kind) {
    case BuildCacheItem::Kind::CacheMount:
      return "exec.cachemount";
    case BuildCacheItem::Kind::Context:
      return "source.local";
    case BuildCacheItem::Kind::Blob:
      return "blob";
    case BuildCacheItem::Kind::Step:
      break;
  }
  return "step";
}

using CacheTest = std::function<bool(const BuildCacheItem&)>;

Result<CacheTest> cache_test(const std::string& name, const std::string& value, Time now) {
  if (name == "id")
    return CacheTest([value](const auto& item) { return item.id.starts_with(value); });
  if (name == "type")
    return CacheTest([value](const auto& item) { return type_of(item) == value; });
  if (name == "description")
    return CacheTest([value](const auto& item) { return item.description == value; });
  if (name == "inuse") {
    bool wanted = value.empty() || value == "true" || value == "1";
    return CacheTest([wanted](const auto& item) { return item.in_use == wanted; });
  }
  if (name == "until" || name == "unused-for") {
    auto limit = TRY(name == "until" ? parse_log_time(value, now) : parse_age(value, now));
    return CacheTest([limit](const auto& item) { return !(limit < item.last_used); });
  }
  return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}'", name));
}

/// Different filters must all agree, of several values of one any.
Result<CacheTest> all_cache_tests(const std::vector<std::string>& filters) {
  std::map<std::string, std::vector<CacheTest>> tests;
  auto now = Time::now();
  for (const auto& text : filters) {
    auto [name, value] = TRY(split_filter(text));
    if ((name == "until" || name == "unused-for") &&
        (tests.contains("until") || tests.contains("unused-for")))
      return Error(ErrorCode::InvalidArgument, "more than one until filter specified");
    tests[name].push_back(TRY(cache_test(name, value, now)));
  }
  return CacheTest([tests = std::move(tests)](const BuildCacheItem& item) {
    return std::all_of(tests.begin(), tests.end(), [&](const auto& named) {
      return std::any_of(named.second.begin(), named.second.end(),
                         [&](const auto& test) { return test(item); });
    });
  });
}

}  // namespace

Result<std::vector<BuildCacheRow>> build_cache(const EngineOptions& engine,
                                               const std::vector<std::string>& filters) {
  auto matches = TRY(all_cache_tests(filters));
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  std::vector<BuildCacheRow> rows;
  for (const auto& item : TRY(list_build_cache(*store)))
    if (matches(item))
      rows.push_back(
          {item.id, type_of(item), item.description, item.size, item.last_used, item.in_use});
  return rows;
}

Result<Pruned> prune_build_cache(const EngineOptions& engine, const PruneRequest& request,
                                 std::int64_t keep_storage) {
  auto matches = TRY(all_cache_tests(request.filters));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  Pruned pruned;
  for (const auto& item :
       TRY(prune_build_cache(*store, BuildCachePrune{request.all, keep_storage, matches}))) {
    pruned.names.push_back(item.id);
    pruned.reclaimed += item.size;
  }
  return pruned;
}

namespace {

constexpr const char* kDaemonFile = "/etc/docker/daemon.json";

std::optional<std::int64_t> storage_to_keep(const Store& store) {
  auto text = read_file(AT_FDCWD, kDaemonFile, std::size_t{1} << 20);
  if (!text) return std::nullopt;
  auto json = Json::parse(*text);
  if (!json) return std::nullopt;
  const auto& rules = (*json)["builder"]["gc"];
  if (!rules["enabled"].as_bool()) return std::nullopt;
  auto size = rules["defaultKeepStorage"].as_string();
  if (size.empty()) {
    auto disk = file_system_size(store.dir());
    return disk ? std::optional(*disk / 10) : std::nullopt;
  }
  auto bytes = parse_ram_size(size);
  return bytes && *bytes > 0 ? std::optional(*bytes) : std::nullopt;
}

}  // namespace

void limit_build_cache(const Store& store) {
  if (auto keep = storage_to_keep(store))
    (void)prune_build_cache(
        store, BuildCachePrune{.all = true, .keep_storage = *keep, .matches = nullptr});
  limit_cache_mounts(store);
}

}  // namespace strata

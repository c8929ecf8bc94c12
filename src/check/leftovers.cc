#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "check/detail/checker.h"
#include "collect/buildkit.h"
#include "collect/remains.h"
#include "collect/sweep.h"
#include "collect/usage.h"

namespace strata::detail {
namespace {

Finding leftover(std::string path, std::string what) {
  return {.state = Finding::State::Repairable,
          .path = std::move(path),
          .what = std::move(what),
          .remedy = "removed"};
}

}  // namespace

/// As long as anything is damaged nothing is removed: it may be what the damage can be mended with.
Result<void> Checker::check_leftovers() {
  bool is_kept = has_damage();
  if (request_.repair) TRY(quarantine_broken_entries());
  std::vector<Finding> found;
  add_unused_layers(found);
  TRY(add_halves(found));
  TRY(add_unnamed_caches(found));
  if (request_.repair && !is_kept && !found.empty()) TRY(sweep(store_));
  for (auto& finding : found) {
    if (is_kept) finding.remedy = "kept as long as there is damage; then removed";
    if (request_.repair && !is_kept) finding.state = Finding::State::Repaired;
    report_.findings.push_back(std::move(finding));
  }
  return {};
}

/// Entries that neither dockerd nor Strata can use, and that no image asks for.
Result<void> Checker::quarantine_broken_entries() {
  auto dir = TRY(open_dir(store_.dir(), kLayers));
  auto buildkit = TRY(buildkit_names(store_));
  for (const auto& name : TRY(list_dir(dir.get()))) {
    auto id = Digest::parse("sha256:" + name);
    if (!id || index_.contains(ChainID(*id)) || store_.layers().get(ChainID(*id))) continue;
    if (buildkit.find(name) != std::string::npos) continue;
    mend({.path = std::string(kLayers) + "/" + name,
          .what = "is damaged, and no image needs it",
          .remedy = "moved to strata/quarantine"},
         [&] { return quarantine(std::string(kLayers) + "/" + name); });
  }
  return {};
}

void Checker::add_unused_layers(std::vector<Finding>& found) const {
  auto usage = scan_usage(store_, {});
  if (!usage) return;  // its reason is among the findings
  for (const auto& [chain, use] : usage->layers)
    if (auto layer = unneeded_layer(store_, *usage, chain); layer && *layer)
      found.push_back(
          leftover(std::string(kLayers) + "/" + chain.digest().hex(), "is used by nothing"));
}

Result<void> Checker::add_halves(std::vector<Finding>& found) const {
  for (auto& remain : TRY(find_remains(store_)))
    found.push_back(leftover(std::move(remain.path), std::move(remain.what)));
  return {};
}

Result<void> Checker::add_unnamed_caches(std::vector<Finding>& found) const {
  for (const auto& cache : TRY(unnamed_caches()))
    found.push_back(leftover("overlay2/" + cache, "is used by nothing"));
  auto links = open_dir(store_.caches().dir(), "l");
  if (!links) return {};
  for (const auto& name : TRY(list_dir(links->get())))
    if (::faccessat(links->get(), name.c_str(), F_OK, 0) < 0 && errno == ENOENT)
      found.push_back(leftover("overlay2/l/" + name, "leads nowhere"));
  return {};
}

}  // namespace strata::detail

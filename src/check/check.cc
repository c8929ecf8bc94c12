#include "check/check.h"

#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "check/detail/checker.h"

namespace strata {

int CheckReport::exit_status() const {
  int status = 0;
  for (const auto& finding : findings)
    status = std::max(status, finding.state == Finding::State::Damaged ? 2 : 1);
  return status;
}

Result<CheckReport> check_store(const Store& store, const CheckRequest& request) {
  return detail::Checker(store, request).run();
}

namespace detail {

Result<CheckReport> Checker::run() {
  TRY(find_unsettled());
  TRY(check_tags());
  TRY(check_images());
  TRY(check_metadata());
  TRY(check_layers());
  TRY(check_containers());
  TRY(check_mounts());
  TRY(check_contents());
  TRY(check_odd_sizes());
  if (request_.only.empty()) TRY(check_leftovers());
  if (request_.repair) TRY(store_.sync());
  return std::move(report_);
}

/// Only a reader meets them: who writes has looked at them when he opened the store. They are not
/// damage, and not to be reported as such: nobody was promised them.
Result<void> Checker::find_unsettled() {
  if (store_.own_dir() < 0) return {};
  for (const auto& name : TRY(Unsynced(store_.own_dir()).list()))
    if (name.boot != Unsynced::this_boot()) unsettled_hex_.insert(name.hex);
  if (unsettled_hex_.empty()) return {};
  report_.findings.push_back(
      {.state = Finding::State::Repairable,
       .path = "strata/unsynced",
       .what = fmt::format("names {} parts that no sync had reached before the last boot",
                           unsettled_hex_.size()),
       .remedy = "the next command that writes removes those that are not whole"});
  return {};
}

bool Checker::mend(Finding finding, const Step& step) {
  finding.state = Finding::State::Repairable;
  if (request_.repair) {
    auto done = step();
    finding.state = done ? Finding::State::Repaired : Finding::State::Damaged;
    if (!done) finding.remedy += ": " + done.error().message();
  }
  report_.findings.push_back(std::move(finding));
  return report_.findings.back().state == Finding::State::Repaired;
}

void Checker::damage(Finding finding) {
  finding.state = Finding::State::Damaged;
  report_.findings.push_back(std::move(finding));
}

/// Under its own path, with "/" as "_": what was what stays to be seen.
Result<void> Checker::quarantine(const std::string& path) {
  TRY(make_dirs(store_.own_dir(), "quarantine", 0700));
  auto flat = path;
  std::replace(flat.begin(), flat.end(), '/', '_');
  auto to = "quarantine/" + flat;
  for (int n = 1; ::faccessat(store_.own_dir(), to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0; n++)
    to = fmt::format("quarantine/{}.{}", flat, n);
  if (::renameat(store_.dir(), path.c_str(), store_.own_dir(), to.c_str()) < 0)
    return Error::from_errno(errno, "move " + path + " to quarantine");
  return {};
}

std::string Checker::name_of(const std::string& hex) const {
  auto found = names_.find(hex);
  return found == names_.end() ? hex.substr(0, 12) : found->second;
}

}  // namespace detail
}  // namespace strata

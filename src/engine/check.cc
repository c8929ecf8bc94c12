#include "engine/check.h"

#include "check/check.h"
#include "engine/archive_donor.h"

namespace strata {
namespace {

const char* state_text(Finding::State state) {
  switch (state) {
    case Finding::State::Repairable:
      return "repairable";
    case Finding::State::Repaired:
      return "repaired";
    case Finding::State::Damaged:
      break;
  }
  return "damaged";
}

}  // namespace

Result<CheckResult> check(const EngineOptions& engine, const std::vector<std::string>& images,
                          bool repair, const std::string& from) {
  auto store = TRY(Store::open(engine.root, repair ? Store::Access::Write : Store::Access::Read));
  std::unique_ptr<Donor> donor;
  if (!from.empty())
    donor = TRY(open_archive_donor(*store, from, engine.stop).context("check --from"));
  CheckRequest request{.repair = repair, .donor = donor.get(), .only = {}};
  for (const auto& image : images) request.only.push_back(TRY(resolve_image(*store, image)));
  if (repair && !TRY(store->take_alone()))
    return Error(ErrorCode::Conflict, "check: another strata works on the store: try again later");
  auto report = TRY(check_store(*store, request));
  CheckResult result{.lines = {},
                     .images = report.images,
                     .layers = report.layers,
                     .bytes = report.bytes,
                     .status = report.exit_status()};
  for (auto& f : report.findings)
    result.lines.push_back({state_text(f.state), std::move(f.path), std::move(f.what),
                            std::move(f.remedy), std::move(f.images)});
  return result;
}

}  // namespace strata

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// One thing that is wrong, in words; see docs/check.md.
struct CheckLine {
  std::string state;  // "repairable", "repaired" or "damaged"
  std::string path;
  std::string what;
  std::string remedy;
  std::vector<std::string> images;
};
struct CheckResult {
  std::vector<CheckLine> lines;
  std::size_t images = 0;
  std::size_t layers = 0;
  std::int64_t bytes = 0;
  int status = 0;  // 0 clean, 1 repaired or repairable, 2 damage left
};

/// Checks the store, or only `images`. With `repair` no dockerd and no other writer may work on it:
/// Conflict.
/// `from`, if not empty, is an archive or a layout that may have what is lost.
Result<CheckResult> check(const EngineOptions& engine, const std::vector<std::string>& images,
                          bool repair, const std::string& from);

}  // namespace strata

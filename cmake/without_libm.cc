// The functions of libm that the program names, so that no start has to find, map and relocate all
// of libm for them (docs/decisions/0017-a-start-loads-one-library.md).
#include <cfenv>
#include <cmath>
#include <cstdint>

extern "C" {

/// {fmt} calls it where a number with a point has to be exact.
double ceil(double x) noexcept {
  if (!(std::fabs(x) < 0x1p52)) return x;  // whole, or no number
  const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
  return std::copysign(whole < x ? whole + 1 : whole, x);
}

// libstdc++ names these for numbers that Strata does not read: the linker leaves out what calls
// them. Nothing here changes how is rounded.
int fegetround() noexcept { return FE_TONEAREST; }
int fesetround(int mode) noexcept { return mode == FE_TONEAREST ? 0 : 1; }

}  // extern "C"

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sess::cpu {

/** A map's maximum; NaN where the map is not finite. */
inline float peakOf(const float* map, std::int64_t n) {
  float peak = map[0];
  for (std::int64_t p = 0; p < n; ++p) {
    if (!std::isfinite(map[p])) return std::numeric_limits<float>::quiet_NaN();
    peak = std::max(peak, map[p]);
  }
  return peak;
}

}  // namespace sess::cpu

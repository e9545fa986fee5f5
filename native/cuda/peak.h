#pragma once

#include <span>

#include "cuda/reduce.h"

namespace sess::cuda {

/** The largest of `n` values, NaN where one is not finite; the same for all threads. */
template <class Team>
SESS_HD float peakOf(Team& team, float* shared, const float* values, int n) {
  // NaN and infinity turn into NaN in v + (v - v), and a sum with NaN stays NaN.
  return reduce(
      team, shared, n, values[0] + (values[0] - values[0]), [&](int i) { return values[i] + (values[i] - values[i]); },
      [](float a, float b) { return a != a || b != b ? a + b
                                    : b > a          ? b
                                                     : a; });
}

/** The peak of one map: of row rows[i]. */
struct MapPeak {
  static constexpr std::size_t kShared = sharedBytes<float>(kThreads);

  const float* maps;
  const std::int32_t* rows;
  float* peaks;
  int pixels;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t i) const {
    const float* const map = maps + static_cast<std::int64_t>(rows[i]) * pixels;
    const float peak = peakOf(team, team.template array<float>(kThreads), map, pixels);
    team.each(1, [&](int) { peaks[rows[i]] = peak; });
  }
};

}  // namespace sess::cuda

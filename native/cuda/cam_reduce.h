#pragma once

#include <cmath>

#include "core/cam.h"
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

/**
 * One row. Where the grid has fewer elements than the team has threads, groups of them share out the channels, so that
 * neighbouring threads read neighbouring memory; their sums, in double, are added in the order of the groups.
 */
struct CamReduceRow {
  static constexpr std::size_t kShared = sharedBytes<double>(kThreads) + sharedBytes<float>(kThreads);

  const float* activations;
  const float* weights;
  const std::int32_t* rows;
  float* maps;
  float* peaks;
  int channels, grid;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t row) const {
    const float* const a = activations + row * channels * grid;
    const float* const w = weights + row * channels;
    float* const map = maps + static_cast<std::int64_t>(rows[row]) * grid;
    const auto sumOf = [&](int first, int step, int p) {
      double sum = 0.0;
      for (int c = first; c < channels; c += step) {
        sum += static_cast<double>(w[c]) * static_cast<double>(a[static_cast<std::int64_t>(c) * grid + p]);
      }
      return sum;
    };
    const int groups = kThreads / grid;
    if (groups < 2) {
      team.each(grid, [&](int p) { map[p] = relu(static_cast<float>(sumOf(0, 1, p))); });
    } else {
      auto* const parts = team.template array<double>(kThreads);
      team.each(groups * grid, [&](int i) { parts[i] = sumOf(i / grid, groups, i % grid); });
      team.each(grid, [&](int p) {
        double sum = 0.0;
        for (int g = 0; g < groups; ++g) sum += parts[g * grid + p];
        map[p] = relu(static_cast<float>(sum));
      });
    }
    const float peak = peakOf(team, team.template array<float>(kThreads), map, grid);
    team.each(1, [&](int) { peaks[rows[row]] = peak; });
  }
};

template <class Launcher>
void camReduce(Launcher& launch, const CamReduceArgs& args) {
  launch.blocks(static_cast<std::int64_t>(args.rows.size()), CamReduceRow::kShared,
                CamReduceRow{.activations = args.activations,
                             .weights = args.weights,
                             .rows = launch.upload(args.rows),
                             .maps = args.maps,
                             .peaks = args.peaks,
                             .channels = coordinate(args.channels),
                             .grid = coordinate(args.grid.height * args.grid.width)});
}

}  // namespace sess::cuda

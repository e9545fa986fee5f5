#pragma once

#include "core/cam.h"
#include "cuda/peak.h"

namespace sess::cuda {

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
  bool rectify;

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
    const auto valueOf = [&](double sum) {
      const auto value = static_cast<float>(sum);
      return rectify ? relu(value) : value;
    };
    const int groups = kThreads / grid;
    if (groups < 2) {
      team.each(grid, [&](int p) { map[p] = valueOf(sumOf(0, 1, p)); });
    } else {
      auto* const parts = team.template array<double>(kThreads);
      team.each(groups * grid, [&](int i) { parts[i] = sumOf(i / grid, groups, i % grid); });
      team.each(grid, [&](int p) {
        double sum = 0.0;
        for (int g = 0; g < groups; ++g) sum += parts[g * grid + p];
        map[p] = valueOf(sum);
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
                             .grid = coordinate(args.grid.height * args.grid.width),
                             .rectify = args.rectify});
}

}  // namespace sess::cuda

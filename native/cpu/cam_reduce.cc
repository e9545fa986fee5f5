#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kStretch = 512;  // map elements of one task: 2 kB of each channel, so that lines arrive in runs

float peakOf(const float* map, std::int64_t n) {
  float peak = map[0];
  for (std::int64_t p = 0; p < n; ++p) {
    if (!std::isfinite(map[p])) return std::numeric_limits<float>::quiet_NaN();
    peak = std::max(peak, map[p]);
  }
  return peak;
}

}  // namespace

void camReduce(const Context& context, const CamReduceArgs& args) {
  const std::int64_t grid = args.grid.height * args.grid.width;
  const auto rows = static_cast<std::int64_t>(args.rows.size());
  const std::int64_t stretches = ceilDiv(grid, kStretch);
  context.pool.parallelFor(rows * stretches, context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t row = task / stretches, begin = task % stretches * kStretch;
    const float* planes = args.activations + row * args.channels * grid + begin;
    float* map = args.maps + args.rows[index(row)] * grid + begin;
    context.kernels.reduceChannels(planes, args.weights + row * args.channels, args.channels, grid,
                                   std::min(kStretch, grid - begin), map);
    if (stretches == 1) args.peaks[args.rows[index(row)]] = peakOf(map, grid);
  });
  if (stretches == 1) return;
  context.pool.parallelFor(rows, context.cancel, [&](std::int64_t row, Scratch&) {
    const std::int64_t place = args.rows[index(row)];
    args.peaks[place] = peakOf(args.maps + place * grid, grid);
  });
}

}  // namespace sess::cpu

#include <algorithm>

#include "core/cam.h"
#include "cpu/ops.h"
#include "cpu/peak.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kStretch = 512;  // map elements of one pass: 2 kB of each channel, so that lines arrive in runs
constexpr std::int64_t kTaskActivations = 1 << 17;  // fewer are done before another thread has woken up

}  // namespace

void camReduce(const Context& context, const CamReduceArgs& args) {
  const std::int64_t grid = args.grid.height * args.grid.width, each = args.channels * grid;
  const auto rows = static_cast<std::int64_t>(args.rows.size());
  const std::int64_t run = std::max<std::int64_t>(1, kTaskActivations / each);
  context.pool.parallelFor(ceilDiv(rows, run), context.cancel, [&](std::int64_t task, Scratch&) {
    for (std::int64_t row = task * run; row < std::min(rows, (task + 1) * run); ++row) {
      const std::int64_t place = args.rows[index(row)];
      const float* weights = args.weights + row * args.channels;
      float* map = args.maps + place * grid;
      for (std::int64_t begin = 0; begin < grid; begin += kStretch) {
        context.kernels.reduceChannels(args.activations + row * each + begin, weights, args.channels, grid,
                                       std::min(kStretch, grid - begin), map + begin);
      }
      if (args.rectify) std::transform(map, map + grid, map, relu);
      args.peaks[place] = peakOf(map, grid);
    }
  });
}

}  // namespace sess::cpu

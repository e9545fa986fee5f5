#include <algorithm>
#include <vector>

#include "core/gauss.h"
#include "core/geometry.h"
#include "cpu/ops.h"

namespace sess::cpu {

void smooth(const Context& context, const SmoothArgs& args) {
  constexpr std::int64_t kRows = 32, kColumns = 1024;  // of a task: the rows it reads stay in the second-level cache
  const std::vector<float> half = gaussianHalf(args.taps, args.sigma);
  const std::int64_t reach = args.taps / 2, height = args.size.height, width = args.size.width;
  const std::int64_t across = ceilDiv(width, kColumns), down = ceilDiv(height, kRows);
  context.pool.parallelFor(across * down, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t x0 = task % across * kColumns, x1 = std::min(width, x0 + kColumns);
    const std::int64_t y0 = task / across * kRows, y1 = std::min(height, y0 + kRows);
    const std::int64_t from = std::max<std::int64_t>(0, x0 - reach), to = std::min(width, x1 + reach);
    // Any column that a reflection points at lies in [from, to) as well.
    float* line = scratch.of<float>(x1 - x0 + 2 * reach);  // columns x0 - reach to x1 + reach, smoothed down
    std::vector<const float*> rows(index(args.taps));
    for (std::int64_t y = y0; y < y1; ++y) {
      for (std::int64_t k = -reach; k <= reach; ++k) {
        rows[index(k + reach)] = args.map + reflect101(y + k, height) * width + from;
      }
      float* at = line - (x0 - reach);
      context.kernels.smoothRow(rows.data(), half.data(), reach, to - from, at + from);
      for (std::int64_t x = x0 - reach; x < 0; ++x) at[x] = at[reflect101(x, width)];
      for (std::int64_t x = width; x < x1 + reach; ++x) at[x] = at[reflect101(x, width)];
      context.kernels.smoothAlong(line + reach, half.data(), reach, x1 - x0, args.out + y * width + x0);
    }
  });
}

}  // namespace sess::cpu

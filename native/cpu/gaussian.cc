#include "cpu/gaussian.h"

#include <algorithm>
#include <vector>

#include "core/gauss.h"
#include "core/geometry.h"

namespace sess::cpu {

void gaussian(const Context& context, const PixelImages& images, int taps, double sigma, float* out) {
  constexpr std::int64_t kRows = 32, kColumns = 1024;  // of a task: the rows it reads stay in the second-level cache
  const std::vector<float> half = gaussianHalf(taps, sigma);
  const std::int64_t reach = taps / 2, height = images.size.height, width = images.size.width, n = images.samples;
  const std::int64_t across = ceilDiv(width, kColumns), down = ceilDiv(height, kRows), each = across * down;
  context.pool.parallelFor(images.count * each, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t image = task / each * height * width * n, part = task % each;
    const std::int64_t x0 = part % across * kColumns, x1 = std::min(width, x0 + kColumns);
    const std::int64_t y0 = part / across * kRows, y1 = std::min(height, y0 + kRows);
    const std::int64_t from = std::max<std::int64_t>(0, x0 - reach), to = std::min(width, x1 + reach);
    // Any column that a reflection points at lies in [from, to) as well.
    float* line = scratch.of<float>((x1 - x0 + 2 * reach) * n);  // columns x0 - reach to x1 + reach, smoothed down
    float* at = line - (x0 - reach) * n;
    const auto reflect = [&](std::int64_t x) { std::copy_n(at + reflect101(x, width) * n, n, at + x * n); };
    std::vector<const float*> rows(index(taps));
    for (std::int64_t y = y0; y < y1; ++y) {
      for (std::int64_t k = -reach; k <= reach; ++k) {
        rows[index(k + reach)] = images.data + image + (reflect101(y + k, height) * width + from) * n;
      }
      context.kernels.smoothRow(rows.data(), half.data(), reach, (to - from) * n, at + from * n);
      for (std::int64_t x = x0 - reach; x < 0; ++x) reflect(x);
      for (std::int64_t x = width; x < x1 + reach; ++x) reflect(x);
      context.kernels.smoothAlong(line + reach * n, half.data(), reach, n, (x1 - x0) * n,
                                  out + image + (y * width + x0) * n);
    }
  });
}

}  // namespace sess::cpu

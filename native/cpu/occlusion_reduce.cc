#include <algorithm>

#include "cpu/ops.h"
#include "cpu/peak.h"

namespace sess::cpu {

namespace {

/** Adds a square's weight, and 1, to the pixels of rows [y0, y1) that it covers; the memory begins at row y0. */
void cover(const OcclusionReduceArgs& args, Point square, double weight, std::int64_t y0, std::int64_t y1, double* sums,
           double* counts) {
  const std::int64_t top = std::max<std::int64_t>(y0, square.y), bottom = std::min(y1, square.y + args.square.height);
  for (std::int64_t y = top; y < bottom; ++y) {
    const std::int64_t at = (y - y0) * args.size.width + square.x;
    for (std::int64_t x = 0; x < args.square.width; ++x) {
      sums[at + x] += weight;
      counts[at + x] += 1.0;
    }
  }
}

}  // namespace

void occlusionReduce(const Context& context, const OcclusionReduceArgs& args) {
  constexpr std::int64_t kPixels = 8 * 1024;  // of a task: sums and counts stay in the second-level cache
  const std::int64_t height = args.size.height, width = args.size.width, pixels = height * width;
  const std::int64_t rows = std::clamp<std::int64_t>(kPixels / width, 1, height), parts = ceilDiv(height, rows);
  const auto maps = static_cast<std::int64_t>(args.rows.size());
  context.pool.parallelFor(maps * parts, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t row = task / parts, y0 = task % parts * rows, y1 = std::min(height, y0 + rows);
    const std::int64_t n = (y1 - y0) * width;
    const float* weights = args.weights + row * static_cast<std::int64_t>(args.squares.size());
    double* sums = scratch.of<double>(2 * n);
    double* counts = sums + n;
    std::fill_n(sums, 2 * n, 0.0);
    for (std::size_t s = 0; s < args.squares.size(); ++s) {
      cover(args, args.squares[s], static_cast<double>(weights[s]), y0, y1, sums, counts);
    }
    std::transform(sums, sums + n, counts, args.maps + args.rows[index(row)] * pixels + y0 * width,
                   [](double sum, double count) { return count > 0.0 ? static_cast<float>(sum / count) : 0.0F; });
  });
  for (const std::int32_t row : args.rows) args.peaks[row] = peakOf(args.maps + row * pixels, pixels);
}

}  // namespace sess::cpu

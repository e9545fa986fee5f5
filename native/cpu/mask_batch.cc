#include <algorithm>
#include <vector>

#include "cpu/masked_rows.h"
#include "cpu/ops.h"
#include "cpu/surface.h"

namespace sess::cpu {

void maskBatch(const Context& context, const MaskBatchArgs& args) {
  constexpr std::int64_t kPixels = 16 * 1024;  // of a task
  const Size size = args.images.size;
  const Surface surface(args.grid, size);
  const MaskedRows masked(context.kernels, args.images, args.background, args.out);
  const auto copies = static_cast<std::int64_t>(args.copies.size());
  const auto gridOf = [&](const Copy& copy) {
    return args.features + (copy.row * args.channels + copy.what) * args.grid.height * args.grid.width;
  };
  std::vector<Range> ranges(args.copies.size());
  context.pool.parallelFor(copies, context.cancel, [&](std::int64_t k, Scratch& scratch) {
    ranges[index(k)] = surface.range(context.kernels, gridOf(args.copies[index(k)]), false, scratch);
  });
  const std::int64_t rows = std::clamp<std::int64_t>(kPixels / size.width, 1, size.height);
  // Bands outside, copies inside: the same rows of an image stay in the cache for all its copies.
  context.pool.parallelFor(
      copies * ceilDiv(size.height, rows), context.cancel, [&](std::int64_t task, Scratch& scratch) {
        const std::int64_t k = task % copies, y0 = task / copies * rows, y1 = std::min(size.height, y0 + rows);
        const Copy copy = args.copies[index(k)];
        const Range range = ranges[index(k)];
        float* mask = scratch.of<float>(size.width + surface.lineFloats() + masked.workingFloats());
        float* line = mask + size.width;
        std::fill_n(mask, size.width, 0.0F);
        for (std::int64_t y = y0; y < y1; ++y) {
          if (!range.flat()) surface.row(context.kernels, gridOf(copy), range, y, 0, size.width, line, mask);
          masked.write(k, copy.row, y, mask, line + surface.lineFloats());
        }
      });
}

}  // namespace sess::cpu

#include <algorithm>
#include <vector>

#include "cpu/ops.h"
#include "cpu/surface.h"

namespace sess::cpu {

void upsample(const Context& context, const UpsampleArgs& args) {
  constexpr std::int64_t kPixels = 64 * 1024;  // of a task
  const Surface surface(args.grid, args.window);
  const auto maps = static_cast<std::int64_t>(args.rows.size());
  const auto gridOf = [&](std::int64_t map) {
    return args.maps + args.rows[index(map)] * args.grid.height * args.grid.width;
  };
  std::vector<Range> ranges(args.rows.size());
  context.pool.parallelFor(maps, context.cancel, [&](std::int64_t map, Scratch& scratch) {
    ranges[index(map)] = surface.range(context.kernels, gridOf(map), args.rectify, scratch);
  });
  const std::int64_t rows = std::clamp<std::int64_t>(kPixels / args.window.width, 1, args.window.height);
  const std::int64_t parts = ceilDiv(args.window.height, rows);
  context.pool.parallelFor(maps * parts, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t map = task / parts, y0 = task % parts * rows;
    const std::int64_t y1 = std::min(args.window.height, y0 + rows), width = args.window.width;
    float* out = args.out + map * args.window.height * width;
    const Range range = ranges[index(map)];
    if (range.flat()) {
      std::fill(out + y0 * width, out + y1 * width, 0.0F);
      return;
    }
    float* line = scratch.of<float>(surface.lineFloats());
    for (std::int64_t y = y0; y < y1; ++y) {
      surface.row(context.kernels, gridOf(map), range, y, 0, width, line, out + y * width);
    }
  });
}

}  // namespace sess::cpu

#include <algorithm>

#include "cpu/folding.h"

namespace sess::cpu {

/** fold and finish tile by tile: the sums never leave the cache. */
void fuse(const Context& context, const FuseArgs& args) {
  const Folding folding(context, args);
  const auto windows = static_cast<std::int64_t>(args.windows.size());
  forEachTile(context, args.photoSize, [&](const Rect& tile, Scratch& scratch) {
    const std::int64_t pixels = tile.height * tile.width;
    float* memory = scratch.of<float>(2 * pixels + folding.workingFloats());
    const Sums sums{.sum = memory, .count = memory + pixels, .stride = tile.width};
    std::fill_n(sums.sum, pixels, 0.0F);
    if (args.mode == Fusion::mean) std::fill_n(sums.count, pixels, 0.0F);
    folding.into(tile, sums, memory + 2 * pixels);
    for (std::int64_t y = 0; y < tile.height; ++y) {
      finishRun(context.kernels, args.mode, windows, sums.sum + y * tile.width, sums.count + y * tile.width, tile.width,
                args.out + (tile.y + y) * args.photoSize.width + tile.x);
    }
  });
}

}  // namespace sess::cpu

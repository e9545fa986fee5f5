#include <algorithm>

#include "cpu/folding.h"

namespace sess::cpu {

namespace {

/** What earlier folds left becomes what this one adds to. */
void rescale(const FoldArgs& args, const Rect& tile, const Sums& sums) {
  if (args.rescale == 1.0) return;
  const bool begins = args.rescale == 0.0, counts = args.some.mode == Fusion::mean;
  const auto factor = static_cast<float>(args.rescale);
  for (std::int64_t y = 0; y < tile.height; ++y) {
    float* sum = sums.sum + y * sums.stride;
    if (begins) {
      std::fill_n(sum, tile.width, 0.0F);
      if (counts) std::fill_n(sums.count + y * sums.stride, tile.width, 0.0F);
    } else {
      for (std::int64_t x = 0; x < tile.width; ++x) sum[x] *= factor;
    }
  }
}

}  // namespace

void fold(const Context& context, const FoldArgs& args) {
  const Folding folding(context, args.some);
  const Size photo = args.some.photoSize;
  forEachTile(context, photo, [&](const Rect& tile, Scratch& scratch) {
    float* first = args.sums + tile.y * photo.width + tile.x;
    const Sums sums{.sum = first, .count = first + photo.height * photo.width, .stride = photo.width};
    rescale(args, tile, sums);
    folding.into(tile, sums, scratch.of<float>(folding.workingFloats()));
  });
}

}  // namespace sess::cpu

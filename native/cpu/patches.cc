#include <vector>

#include "cpu/band_resize.h"
#include "cpu/ops.h"

namespace sess::cpu {

/** Each window is a band of its own, written where the model reads it. */
void patches(const Context& context, const PatchesArgs& args) {
  const std::size_t windows = args.origins.size() / 2;
  std::vector<BandResize> resizes;
  std::vector<std::int64_t> ends;  // of each window's tasks
  resizes.reserve(windows);
  for (std::size_t i = 0; i < windows; ++i) {
    PyramidArgs band = args.photo;
    band.band = {args.origins[2 * i], args.origins[2 * i + 1], args.window.height, args.window.width};
    band.out = args.out + static_cast<std::int64_t>(i) * 3 * args.window.height * args.window.width;
    resizes.emplace_back(band, context.kernels, context.pool.threads());
    ends.push_back((ends.empty() ? 0 : ends.back()) + resizes.back().tasks());
  }
  context.pool.parallelFor(ends.empty() ? 0 : ends.back(), context.cancel, [&](std::int64_t task, Scratch& scratch) {
    std::size_t window = 0;
    while (task >= ends[window]) ++window;
    resizes[window].run(task - (window == 0 ? 0 : ends[window - 1]), scratch);
  });
}

}  // namespace sess::cpu

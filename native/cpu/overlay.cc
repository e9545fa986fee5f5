#include <algorithm>
#include <array>

#include "cpu/ops.h"

namespace sess::cpu {

void overlay(const Context& context, const OverlayArgs& args) {
  constexpr std::int64_t kPixels = 128 * kTintRun;  // of a task
  std::array<float, 4 * 256> colors{};
  for (std::size_t i = 0; i < 768; ++i) colors[i / 3 * 4 + i % 3] = static_cast<float>(args.colors[i]);
  context.pool.parallelFor(ceilDiv(args.pixels, kPixels), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t end = std::min(args.pixels, (task + 1) * kPixels);
    for (std::int64_t begin = task * kPixels; begin < end; begin += kTintRun) {
      context.kernels.tint({.photo = args.photo + begin * 3,
                            .map = args.map + begin,
                            .pixels = std::min(kTintRun, end - begin),
                            .colors = colors.data(),
                            .low = args.low,
                            .range = args.high - args.low,
                            .alpha = args.alpha,
                            .byValue = args.opacity == Opacity::byValue,
                            .out = args.out + begin * 3});
    }
  });
}

}  // namespace sess::cpu

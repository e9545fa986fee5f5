#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

void overlay(const Context& context, const OverlayArgs& args) {
  constexpr std::int64_t kPixels = 32 * 1024, kRun = 512;  // of a task, and of its stretch in the first-level cache
  context.pool.parallelFor(ceilDiv(args.pixels, kPixels), context.cancel, [&](std::int64_t task, Scratch& scratch) {
    float* opacity = scratch.of<float>(2 * kRun);
    auto* color = reinterpret_cast<std::int32_t*>(opacity + kRun);
    const std::int64_t end = std::min(args.pixels, (task + 1) * kPixels);
    for (std::int64_t begin = task * kPixels; begin < end; begin += kRun) {
      const std::int64_t n = std::min(kRun, end - begin);
      context.kernels.shade(args.map + begin, n, args.low, args.high - args.low, args.alpha,
                            args.opacity == Opacity::byValue, color, opacity);
      const std::uint8_t* in = args.photo + begin * 3;
      std::uint8_t* out = args.out + begin * 3;
      for (std::int64_t i = 0; i < n; ++i) {
        const std::uint8_t* rgb = args.colors.data() + color[i] * 3;
        for (std::int64_t c = 0; c < 3; ++c) {
          const auto v = static_cast<float>(in[i * 3 + c]), over = static_cast<float>(rgb[c]);
          out[i * 3 + c] = static_cast<std::uint8_t>(v + opacity[i] * (over - v) + 0.5F);
        }
      }
    }
  });
}

}  // namespace sess::cpu

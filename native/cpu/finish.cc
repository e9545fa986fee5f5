#include <algorithm>

#include "cpu/folding.h"

namespace sess::cpu {

void finishRun(const Kernels& kernels, Fusion mode, std::int64_t windows, const float* sum, const float* count,
               std::int64_t n, float* out) {
  if (mode == Fusion::mean) {
    kernels.finishMean(sum, count, n, out);
  } else if (mode == Fusion::max) {
    std::copy_n(sum, n, out);
  } else {
    const auto divisor = static_cast<float>(std::max<std::int64_t>(1, windows));
    std::transform(sum, sum + n, out, [&](float v) { return v / divisor; });
  }
}

void finish(const Context& context, const FinishArgs& args) {
  constexpr std::int64_t kPixels = 64 * 1024;  // of a task
  context.pool.parallelFor(ceilDiv(args.pixels, kPixels), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t from = task * kPixels;
    finishRun(context.kernels, args.mode, args.windows, args.sums + from, args.sums + args.pixels + from,
              std::min(kPixels, args.pixels - from), args.out + from);
  });
}

}  // namespace sess::cpu

#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

void flatten(const Context& context, const FlattenArgs& args) {
  constexpr std::int64_t kPixels = 64 * 1024;  // of a task
  context.pool.parallelFor(ceilDiv(args.pixels, kPixels), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t begin = task * kPixels;
    context.kernels.overWhiteRun(args.rgba + 4 * begin, std::min(kPixels, args.pixels - begin), args.rgb + 3 * begin);
  });
}

}  // namespace sess::cpu

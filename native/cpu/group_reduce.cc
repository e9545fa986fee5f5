#include <algorithm>

#include "core/cam.h"
#include "cpu/ops.h"

namespace sess::cpu {

void groupReduce(const Context& context, const GroupReduceArgs& args) {
  constexpr std::int64_t kStretch = 512;  // samples of a task: the groups' sums stay in the second-level cache
  const std::int64_t stretch = std::min(kStretch, args.samples), parts = ceilDiv(args.samples, stretch);
  context.pool.parallelFor(args.rows * parts, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t row = task / parts, begin = task % parts * stretch;
    const std::int64_t n = std::min(stretch, args.samples - begin);
    double* sums = scratch.of<double>(args.groups * n);
    std::fill_n(sums, args.groups * n, 0.0);
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const std::int64_t channel = row * args.channels + c, group = args.assignment[index(channel)];
      if (group < 0) continue;
      context.kernels.addScaled(args.activations + channel * args.samples + begin, args.weights[channel], n,
                                sums + group * n);
    }
    for (std::int64_t k = 0; k < args.groups; ++k) {
      float* out = args.out + (row * args.groups + k) * args.samples + begin;
      std::transform(sums + k * n, sums + (k + 1) * n, out, [](double s) { return relu(static_cast<float>(s)); });
    }
  });
}

}  // namespace sess::cpu

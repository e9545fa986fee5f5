#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

void accumulate(const Context& context, const AccumulateArgs& args) {
  constexpr std::int64_t kElements = 128 * 1024;  // of a task
  context.pool.parallelFor(ceilDiv(args.elements, kElements), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t begin = task * kElements, end = std::min(args.elements, begin + kElements);
    if (args.mode == Accumulation::set) {
      for (std::int64_t i = begin; i < end; ++i) args.out[i] = args.factor * args.from[i];
    } else {
      for (std::int64_t i = begin; i < end; ++i) args.out[i] += args.factor * args.from[i];
    }
  });
}

}  // namespace sess::cpu

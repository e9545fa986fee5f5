#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

void ablate(const Context& context, const AblateArgs& args) {
  constexpr std::int64_t kElements = 64 * 1024;  // of a task: what was copied is still near when it is cleared
  const std::int64_t stride = args.channels * args.inner, each = args.outer * stride, parts = ceilDiv(each, kElements);
  const auto copies = static_cast<std::int64_t>(args.copies.size());
  context.pool.parallelFor(copies * parts, context.cancel, [&](std::int64_t task, Scratch&) {
    const Copy copy = args.copies[index(task / parts)];
    const std::int64_t begin = task % parts * kElements, end = std::min(each, begin + kElements);
    float* out = args.out + task / parts * each;
    std::copy(args.activations + copy.row * each + begin, args.activations + copy.row * each + end, out + begin);
    for (std::int64_t at = begin / stride * stride + copy.what * args.inner; at < end; at += stride) {
      const std::int64_t from = std::max(at, begin), to = std::min(at + args.inner, end);
      if (from < to) std::fill(out + from, out + to, 0.0F);
    }
  });
}

}  // namespace sess::cpu

#include <algorithm>
#include <vector>

#include "cpu/ops.h"

namespace sess::cpu {

void noise(const Context& context, const NoiseArgs& args) {
  constexpr std::int64_t kElements = 512 * kNormalBlock;  // of a task
  const auto images = static_cast<std::int64_t>(args.windows.size());
  const auto inputOf = [&](std::int64_t image) { return args.input + image * args.elements; };
  std::vector<float> sigmas(args.windows.size());
  context.pool.parallelFor(images, context.cancel, [&](std::int64_t image, Scratch&) {
    float lo = 0.0F, hi = 0.0F;
    context.kernels.bounds(inputOf(image), args.elements, &lo, &hi);
    sigmas[index(image)] = static_cast<float>(args.strength * (static_cast<double>(hi) - static_cast<double>(lo)));
  });
  const std::int64_t parts = ceilDiv(args.elements, kElements);
  context.pool.parallelFor(images * parts, context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t image = task / parts, first = task % parts * kElements;
    const NormalStream stream{args.seed, static_cast<std::uint32_t>(args.windows[index(image)]), args.copy};
    context.kernels.addNoise(inputOf(image) + first, stream, sigmas[index(image)], first,
                             std::min(kElements, args.elements - first), args.out + image * args.elements + first);
  });
}

}  // namespace sess::cpu

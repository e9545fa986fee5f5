#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

void occlude(const Context& context, const OccludeArgs& args) {
  constexpr std::int64_t kRows = 64;  // of a task
  const bool planar = args.images.layout == Layout::nchw;
  const std::int64_t planes = planar ? 3 : 1, samples = planar ? 1 : 3, height = args.images.size.height;
  const std::int64_t line = args.images.size.width * samples, parts = ceilDiv(height, kRows);
  const auto copies = static_cast<std::int64_t>(args.squares.size());
  context.pool.parallelFor(copies * planes * parts, context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t copy = task / parts / planes, plane = task / parts % planes;
    const PlacedSquare& square = args.squares[index(copy)];
    const std::int64_t begin = task % parts * kRows, end = std::min(height, begin + kRows);
    const float* in = args.images.data + (square.row * planes + plane) * height * line;
    float* out = args.out + (copy * planes + plane) * height * line;
    std::copy(in + begin * line, in + end * line, out + begin * line);
    const std::int64_t top = std::max<std::int64_t>(begin, square.y);
    const std::int64_t bottom = std::min(end, square.y + args.square.height);
    for (std::int64_t y = top; y < bottom; ++y) {
      std::fill_n(out + y * line + square.x * samples, args.square.width * samples, 0.0F);
    }
  });
}

}  // namespace sess::cpu

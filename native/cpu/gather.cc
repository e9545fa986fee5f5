#include <algorithm>
#include <cassert>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kRows = 64;  // rows of a window that a task copies

void copyPlane(const GatherArgs& a, std::int64_t window, std::int64_t plane, std::int64_t y, std::int64_t x) {
  const float* in = a.band + (plane * a.bandSize.height + y) * a.bandSize.width + x;
  float* out = a.out + (window * 3 + plane) * a.window.height * a.window.width;
  if (a.bandSize.width == a.window.width) {
    std::copy_n(in, a.window.height * a.window.width, out);
    return;
  }
  for (std::int64_t r = 0; r < a.window.height; ++r) {
    std::copy_n(in + r * a.bandSize.width, a.window.width, out + r * a.window.width);
  }
}

void interleaveRows(const GatherArgs& a, std::int64_t window, std::int64_t row0, std::int64_t row1, std::int64_t y,
                    std::int64_t x) {
  const std::int64_t plane = a.bandSize.height * a.bandSize.width;
  for (std::int64_t r = row0; r < row1; ++r) {
    const float* in = a.band + (y + r) * a.bandSize.width + x;
    float* out = a.out + (window * a.window.height + r) * a.window.width * 3;
    for (std::int64_t i = 0; i < a.window.width; ++i) {
      out[i * 3] = in[i];
      out[i * 3 + 1] = in[plane + i];
      out[i * 3 + 2] = in[2 * plane + i];
    }
  }
}

}  // namespace

void gather(const Context& context, const GatherArgs& args) {
  const auto windows = static_cast<std::int64_t>(args.origins.size() / 2);
  const std::int64_t parts = args.layout == Layout::nchw ? 3 : ceilDiv(args.window.height, kRows);
  context.pool.parallelFor(windows * parts, context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t window = task / parts, part = task % parts;
    const std::int64_t y = args.origins[index(2 * window)], x = args.origins[index(2 * window + 1)];
    assert(y >= 0 && x >= 0 && y + args.window.height <= args.bandSize.height &&
           x + args.window.width <= args.bandSize.width);
    if (args.layout == Layout::nchw) {
      copyPlane(args, window, part, y, x);
    } else {
      interleaveRows(args, window, part * kRows, std::min(args.window.height, (part + 1) * kRows), y, x);
    }
  });
}

}  // namespace sess::cpu

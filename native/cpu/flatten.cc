#include <algorithm>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

/** v over white at opacity a, to nearest. */
inline std::uint8_t overWhite(std::uint32_t v, std::uint32_t a) {
  return static_cast<std::uint8_t>((v * a + 255U * (255U - a) + 127U) / 255U);
}

}  // namespace

void flatten(const Context& context, const FlattenArgs& args) {
  constexpr std::int64_t kPixels = 64 * 1024;
  context.pool.parallelFor(ceilDiv(args.pixels, kPixels), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t end = std::min(args.pixels, (task + 1) * kPixels);
    const std::uint8_t* in = args.rgba + task * kPixels * 4;
    std::uint8_t* out = args.rgb + task * kPixels * 3;
    for (std::int64_t i = task * kPixels; i < end; ++i, in += 4, out += 3) {
      const std::uint32_t a = in[3];
      out[0] = overWhite(in[0], a);
      out[1] = overWhite(in[1], a);
      out[2] = overWhite(in[2], a);
    }
  });
}

}  // namespace sess::cpu

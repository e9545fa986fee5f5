#include "cpu/band_resize.h"
#include "cpu/ops.h"

namespace sess::cpu {

void pyramid(const Context& context, const PyramidArgs& args) {
  const BandResize resize(args, context.kernels, context.pool.threads());
  context.pool.parallelFor(resize.tasks(), context.cancel,
                           [&](std::int64_t task, Scratch& scratch) { resize.run(task, scratch); });
}

}  // namespace sess::cpu

#include "cpu/gaussian.h"

namespace sess::cpu {

void smooth(const Context& context, const SmoothArgs& args) {
  gaussian(context, {.data = args.map, .count = 1, .size = args.size, .samples = 1}, args.taps, args.sigma, args.out);
}

}  // namespace sess::cpu

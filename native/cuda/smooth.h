#pragma once

#include "cuda/gaussian.h"

namespace sess::cuda {

template <class Launcher>
void smooth(Launcher& launch, const SmoothArgs& args) {
  gaussian(launch, {.data = args.map, .count = 1, .size = args.size, .samples = 1}, args.taps, args.sigma, args.out);
}

}  // namespace sess::cuda

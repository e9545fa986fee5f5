#pragma once

#include "cuda/gaussian.h"

namespace sess::cuda {

template <class Launcher>
void blur(Launcher& launch, const BlurArgs& args) {
  const int samples = args.images.layout == Layout::nchw ? 1 : 3;
  const Planes planes{.data = args.images.data, .count = 3 * args.rows, .size = args.images.size, .samples = samples};
  gaussian(launch, planes, args.taps, args.sigma, args.out);
}

}  // namespace sess::cuda

#pragma once

#include <cstdint>

#include "cpu/ops.h"

namespace sess::cpu {

/** Images, one behind the other, whose pixels hold `samples` neighbouring values each. */
struct PixelImages {
  const float* data;
  std::int64_t count;
  Size size;
  std::int64_t samples;
};

/** Separable Gaussian over each kind of sample of each image, reflect-101 border. `taps`: odd. */
void gaussian(const Context& context, const PixelImages& images, int taps, double sigma, float* out);

}  // namespace sess::cpu

#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** The fused value of one pixel. `divisor`: what an average divides by. */
SESS_HD inline float finished(Fusion mode, float sum, float count, float divisor) {
  if (mode == Fusion::mean) return count > 0.0F ? sum / count : 0.0F;
  return mode == Fusion::max ? sum : sum / divisor;
}

inline float divisorOf(std::int64_t windows) { return windows > 1 ? static_cast<float>(windows) : 1.0F; }

struct FinishPixel {
  const float* sums;
  std::int64_t pixels;
  Fusion mode;
  float divisor;
  float* out;

  SESS_HD void operator()(std::int64_t i) const {
    const float count = mode == Fusion::mean ? sums[pixels + i] : 0.0F;
    out[i] = finished(mode, sums[i], count, divisor);
  }
};

template <class Launcher>
void finish(Launcher& launch, const FinishArgs& args) {
  launch.threads(args.pixels, FinishPixel{args.sums, args.pixels, args.mode, divisorOf(args.windows), args.out});
}

}  // namespace sess::cuda

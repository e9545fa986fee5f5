#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace sess {

/** What smoothing gives on a line of ones, in the order in which the kernels add. */
inline float smoothedOne(const std::vector<float>& half) {
  float sum = half[0];
  for (std::size_t k = 1; k < half.size(); ++k) sum = sum + half[k] * 2.0F;
  return sum;
}

/**
 * The centre and one side of the normalised Gaussian: `(size + 1) / 2` taps. A line is smoothed as
 * `half[0] * x[0] + half[1] * (x[-1] + x[1]) + ...`, left to right. Every rounding in it is monotone, so inputs in
 * [0, 1] never give more than a line of ones does: the centre is lowered until that is at most 1.
 */
inline std::vector<float> gaussianHalf(int size, double sigma) {
  const int reach = size / 2;
  std::vector<double> exact(static_cast<std::size_t>(reach) + 1);
  double sum = 0.0;
  for (int k = 0; k <= reach; ++k) {
    const double t = k / sigma;  // squared only now: sigma * sigma may be 0 in float64
    const double w = std::exp(-0.5 * t * t);
    exact[static_cast<std::size_t>(k)] = w;
    sum += k == 0 ? w : 2.0 * w;
  }
  std::vector<float> half(exact.size());
  for (std::size_t k = 0; k < half.size(); ++k) half[k] = static_cast<float>(exact[k] / sum);
  while (smoothedOne(half) > 1.0F) half[0] = std::nextafter(half[0], 0.0F);
  return half;
}

}  // namespace sess

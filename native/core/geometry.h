#pragma once

#include <cmath>
#include <cstdint>

#include "core/hd.h"

/** Where samples lie (SEMANTICS 2): half-pixel centres, positions from 64-bit integers. */
namespace sess {

/** Source position of one output: `left` (not clamped, -1 .. n_in - 1) and the way from it to `left + 1`. */
struct Position {
  std::int64_t left;
  double fraction;
};

/** Output `i` of `nOut` reads `nIn` samples at ((2i+1) * nIn - nOut) / (2 * nOut); the fraction is exactly 0 where it
 * is. */
SESS_HD inline Position bilinearPosition(std::int64_t i, std::int64_t nIn, std::int64_t nOut) {
  const std::int64_t a = (2 * i + 1) * nIn - nOut;
  const std::int64_t d = 2 * nOut;
  const std::int64_t left = a >= 0 ? a / d : -((d - 1 - a) / d);
  return {left, static_cast<double>(a - left * d) / static_cast<double>(d)};
}

SESS_HD inline std::int64_t clampIndex(std::int64_t i, std::int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/** Border reflect-101 (dcb|abcd|cba), repeated where the line is shorter than the reach. */
SESS_HD inline std::int64_t reflect101(std::int64_t i, std::int64_t n) {
  if (i >= 0 && i < n) return i;
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  std::int64_t j = i % period;
  if (j < 0) j += period;
  return j < n ? j : period - j;
}

/** Antialiased bilinear (shrinking only): triangle of support `scale` around `centre`, over taps [first, last). */
struct Triangle {
  double centre, scale;
  std::int64_t first, last;

  /** Not normalised: the caller divides by the sum over the taps. */
  [[nodiscard]] SESS_HD double weight(std::int64_t j) const {
    const double w = 1.0 - std::fabs((static_cast<double>(j) + 0.5 - centre) / scale);
    return w > 0.0 ? w : 0.0;
  }
};

SESS_HD inline Triangle antialiasTriangle(std::int64_t i, std::int64_t nIn, std::int64_t nOut) {
  const double scale = static_cast<double>(nIn) / static_cast<double>(nOut);
  const double centre = scale * (static_cast<double>(i) + 0.5);
  const std::int64_t first = static_cast<std::int64_t>(std::floor(centre - scale + 0.5));
  const std::int64_t last = static_cast<std::int64_t>(std::floor(centre + scale + 0.5));
  return {centre, scale, first < 0 ? 0 : first, last > nIn ? nIn : last};
}

}  // namespace sess

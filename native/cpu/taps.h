#pragma once

#include <cstdint>
#include <vector>

#include "core/ops.h"
#include "cpu/kernels.h"

namespace sess::cpu {

/** The weights of outputs [begin, begin + n) of one axis of a resize. */
struct Taps {
  std::vector<std::int64_t> first, count, offset;
  std::vector<float> weights;

  /** Outputs [from, ...) of these. */
  [[nodiscard]] TapsView view(std::int64_t from) const;
  /** Source samples [first, last) that outputs [from, to) read. */
  [[nodiscard]] std::int64_t sourceBegin(std::int64_t from) const { return first[static_cast<std::size_t>(from)]; }
  [[nodiscard]] std::int64_t sourceEnd(std::int64_t to) const {
    const auto last = static_cast<std::size_t>(to - 1);
    return first[last] + count[last];
  }
};

Taps makeTaps(std::int64_t nIn, std::int64_t nOut, std::int64_t begin, std::int64_t n, Filter filter);

/** Bilinear positions of outputs [begin, begin + n) of one axis; `left` is not clamped. */
struct Axis {
  std::vector<std::int32_t> left;
  std::vector<float> fraction;
};

Axis makeAxis(std::int64_t nIn, std::int64_t nOut, std::int64_t begin, std::int64_t n);

}  // namespace sess::cpu

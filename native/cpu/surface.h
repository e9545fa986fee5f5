#pragma once

#include <cstdint>
#include <vector>

#include "core/ops.h"
#include "cpu/kernels.h"
#include "cpu/taps.h"
#include "cpu/thread_pool.h"

namespace sess::cpu {

/** What `norm()` subtracts and divides by. Flat maps are zeros and have no range. */
struct Range {
  float lo = 0.0F, range = 0.0F;
  [[nodiscard]] bool flat() const { return range == 0.0F; }
};

/** `norm(up(grid))` or `norm(relu(up(grid)))`: how a u x v grid is read at the pixels of a window. */
class Surface {
 public:
  Surface(Size grid, Size window);

  /**
   * The extremes of all samples, to the bit. Along a row a sample moves one way between two grid columns, rounding
   * included, so the first and last sample of each gap stand for all of them.
   */
  [[nodiscard]] Range range(const Kernels& kernels, const float* grid, bool rectify, Scratch& scratch) const;

  /** Floats of `line` in `row`. */
  [[nodiscard]] std::int64_t lineFloats() const { return grid_.width + 2 + kSlack; }

  /** Samples [x0, x1) of window row `y`, normalised. `line`: lineFloats() of scratch. */
  void row(const Kernels& kernels, const float* grid, Range range, std::int64_t y, std::int64_t x0, std::int64_t x1,
           float* line, float* out) const;

 private:
  [[nodiscard]] const float* gridRow(const float* grid, std::int64_t y) const;

  Size grid_, window_;
  Axis rows_, columns_;  // columns_.left counts from the sample left of the grid
  bool dense_;
  std::vector<std::int32_t> edgeLeft_;  // of the columns that stand for a row, padded to a multiple of 16
  std::vector<float> edgeFraction_;
  std::vector<std::int32_t> upper_;  // of each window row, in a grid with its first row doubled
};

}  // namespace sess::cpu

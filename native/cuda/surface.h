#pragma once

#include "core/cam.h"
#include "cuda/axis.h"
#include "cuda/reduce.h"

namespace sess::cuda {

SESS_HD inline int clamped(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/** What `norm()` subtracts and divides by. Flat maps are zeros and have no range. */
struct Range {
  float lo, range;
  [[nodiscard]] SESS_HD bool flat() const { return range == 0.0F; }
};

/** + 0: never minus zero. */
SESS_HD inline Range between(Bounds b, bool rectify) {
  if (!rectify) return {b.lo + 0.0F, b.hi - b.lo};
  return {relu(b.lo) + 0.0F, relu(b.hi) - relu(b.lo)};
}

/** `up(grid)`: how a grid is read at the pixels of a window. */
struct Surface {
  int gridHeight, gridWidth, height, width;
  const AxisAt* rows;
  const AxisAt* columns;

  [[nodiscard]] SESS_HD std::int64_t elements() const { return static_cast<std::int64_t>(gridHeight) * gridWidth; }

  [[nodiscard]] SESS_HD float sample(const float* grid, int y, int x) const {
    const AxisAt row = rows[y], column = columns[x];
    const float* const upper = grid + static_cast<std::int64_t>(clamped(row.left, gridHeight)) * gridWidth;
    const float* const lower = grid + static_cast<std::int64_t>(clamped(row.left + 1, gridHeight)) * gridWidth;
    const int i = clamped(column.left, gridWidth), j = clamped(column.left + 1, gridWidth);
    return lerp(lerp(upper[i], lower[i], row.fraction), lerp(upper[j], lower[j], row.fraction), column.fraction);
  }

  /**
   * The extremes of all samples. Along a row a sample moves one way between two grid columns, rounding included, so
   * the first and the last sample of each gap stand for all of them. `shared`: kThreads elements.
   */
  template <class Team>
  SESS_HD Range range(Team& team, Bounds* shared, const float* grid, bool rectify) const {
    Bounds b = boundsOf(team, shared, grid, static_cast<int>(elements()));
    if (b.lo == b.hi) return {0.0F, 0.0F};
    if (gridHeight == height && gridWidth == width) return between(b, rectify);
    const int ends = 2 * (gridWidth + 1);
    const auto endOfGap = [&](int i) {
      const int y = i / ends, gap = i % ends / 2 - 1;
      const auto first = static_cast<int>(firstReading(gap, gridWidth, width));
      const auto end = static_cast<int>(firstReading(gap + 1, gridWidth, width));
      if (first >= end) return noBounds();
      const float s = sample(grid, y, i % 2 == 0 ? first : end - 1);
      return Bounds{s, s};
    };
    b = reduce(team, shared, height * ends, noBounds(), endOfGap, within);
    return between(b, rectify);
  }

  /** `norm(up(grid))`, or `norm(relu(up(grid)))` where the range is rectified. */
  [[nodiscard]] SESS_HD float at(const float* grid, Range range, int y, int x) const {
    return normalised(sample(grid, y, x), range.lo, range.range);
  }
};

/** A surface's tables among those of `axes`; `entries` once they are made. */
class SurfaceTables {
 public:
  SurfaceTables(AxisTables& axes, Size grid, Size window)
      : grid_(grid),
        window_(window),
        rows_(axes.add(grid.height, window.height, 0, window.height)),
        columns_(axes.add(grid.width, window.width, 0, window.width)) {
    (void)coordinate(2 * (grid.width + 1) * window.height);
    (void)coordinate(grid.width * grid.height);
  }

  [[nodiscard]] Surface on(const AxisAt* entries) const {
    return {.gridHeight = coordinate(grid_.height),
            .gridWidth = coordinate(grid_.width),
            .height = coordinate(window_.height),
            .width = coordinate(window_.width),
            .rows = entries + rows_,
            .columns = entries + columns_};
  }

 private:
  Size grid_, window_;
  std::int64_t rows_, columns_;
};

}  // namespace sess::cuda

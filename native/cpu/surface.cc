#include "cpu/surface.h"

#include <algorithm>

#include "core/cam.h"
#include "core/geometry.h"

namespace sess::cpu {

Surface::Surface(Size grid, Size window)
    : grid_(grid),
      window_(window),
      rows_(makeAxis(grid.height, window.height, 0, window.height)),
      columns_(makeAxis(grid.width, window.width, 0, window.width)),
      dense_(grid.width <= window.width) {
  for (auto& left : columns_.left) ++left;
  for (const auto left : rows_.left) upper_.push_back(left + 1);
  const auto& left = columns_.left;
  for (std::size_t x = 0; x < left.size(); ++x) {
    if (x == 0 || x + 1 == left.size() || left[x] != left[x - 1] || left[x] != left[x + 1]) {
      edgeLeft_.push_back(left[x]);
      edgeFraction_.push_back(columns_.fraction[x]);
    }
  }
  while (edgeLeft_.size() % 16 != 0) {
    edgeLeft_.push_back(edgeLeft_.back());
    edgeFraction_.push_back(edgeFraction_.back());
  }
}

namespace {

/** + 0: never minus zero. */
Range between(float lo, float hi, bool rectify) {
  if (!rectify) return {lo + 0.0F, hi - lo};
  return {relu(lo) + 0.0F, relu(hi) - relu(lo)};
}

}  // namespace

const float* Surface::gridRow(const float* grid, std::int64_t y) const {
  return grid + clampIndex(y, grid_.height) * grid_.width;
}

Range Surface::range(const Kernels& kernels, const float* grid, bool rectify, Scratch& scratch) const {
  float lo = 0.0F, hi = 0.0F;
  kernels.bounds(grid, grid_.height * grid_.width, &lo, &hi);
  if (lo == hi) return {};
  const bool upsampled = grid_.height != window_.height || grid_.width != window_.width;
  if (!upsampled) return between(lo, hi, rectify);
  const auto n = static_cast<std::int64_t>(edgeLeft_.size());
  float* a = scratch.of<float>(2 * n * (grid_.height + 2));
  float* b = a + n * (grid_.height + 2);
  for (std::int64_t y = -1; y <= grid_.height; ++y) {
    const float* row = gridRow(grid, y);
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t left = edgeLeft_[static_cast<std::size_t>(k)] - 1;
      a[(y + 1) * n + k] = row[clampIndex(left, grid_.width)];
      b[(y + 1) * n + k] = row[clampIndex(left + 1, grid_.width)];
    }
  }
  kernels.extremes(a, b, n, upper_.data(), rows_.fraction.data(), window_.height, edgeFraction_.data(), &lo, &hi);
  return between(lo, hi, rectify);
}

void Surface::row(const Kernels& kernels, const float* grid, Range range, std::int64_t y, std::int64_t x0,
                  std::int64_t x1, float* line, float* out) const {
  const auto at = static_cast<std::size_t>(y);
  const std::int64_t upper = rows_.left[at];
  kernels.lerpRow(gridRow(grid, upper), gridRow(grid, upper + 1), rows_.fraction[at], grid_.width, line + 1);
  line[0] = line[1];
  std::fill_n(line + 1 + grid_.width, 1 + kSlack, line[grid_.width]);
  kernels.expandNormalised(line, columns_.left.data() + x0, columns_.fraction.data() + x0, x1 - x0, dense_, range.lo,
                           range.range, out);
}

}  // namespace sess::cpu

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "support.h"

/** Windows over photos of many shapes, and the plain definition of their fusion (SEMANTICS 6). */
namespace sess::test {

struct FusionShape {
  const char* what;
  Size photo, window, grid;
  std::vector<Size> levels;
  std::int32_t stepY, stepX;
};

inline const std::vector<FusionShape>& fusionShapes() {
  static const std::vector<FusionShape> shapes = {
      {"the paper's", {56, 56}, {56, 56}, {7, 7}, {{56, 56}, {72, 72}, {88, 88}, {232, 232}}, 56, 56},
      {"grown photo", {90, 121}, {16, 16}, {4, 4}, {{16, 21}, {24, 32}, {40, 53}}, 16, 16},
      {"shrunk photo", {20, 27}, {16, 16}, {5, 5}, {{40, 54}, {64, 86}, {117, 157}}, 9, 11},
      {"odd sizes, windows not square", {37, 53}, {9, 14}, {3, 5}, {{14, 20}, {21, 30}, {37, 53}}, 4, 5},
      {"one pixel", {1, 1}, {8, 8}, {2, 2}, {{8, 8}, {11, 11}}, 8, 8},
      {"window is one pixel", {9, 7}, {1, 1}, {3, 3}, {{1, 1}, {3, 2}, {9, 7}}, 1, 1},
      {"window is the level", {30, 41}, {12, 17}, {7, 7}, {{12, 17}}, 12, 17},
      {"grid larger than the window", {40, 40}, {10, 10}, {64, 48}, {{10, 10}, {17, 17}}, 6, 6},
      {"grid of one cell", {20, 20}, {10, 10}, {1, 1}, {{10, 10}, {15, 15}}, 10, 10},
      {"grid of one row", {20, 20}, {10, 10}, {1, 6}, {{10, 10}, {15, 15}}, 5, 5},
      {"long strip", {1, 2000}, {16, 16}, {7, 7}, {{16, 32000}}, 16, 16},
      {"tall strip", {1500, 3}, {6, 6}, {3, 3}, {{6, 3000}, {7, 3500}}, 6, 6},
      {"wider than a tile", {40, 2500}, {32, 32}, {7, 7}, {{32, 2000}, {48, 3000}}, 32, 32},
      {"thousands of windows", {64, 64}, {8, 8}, {2, 3}, {{64, 64}, {100, 100}}, 2, 2},
      {"grid is the window", {25, 31}, {12, 17}, {12, 17}, {{12, 17}, {25, 36}}, 6, 9},
  };
  return shapes;
}

inline std::vector<std::int32_t> places(std::int64_t length, std::int64_t window, std::int32_t step) {
  std::vector<std::int32_t> all;
  const auto last = static_cast<std::int32_t>(length - window);
  for (std::int32_t at = 0;; at += step) {
    all.push_back(std::min(at, last));
    if (at >= last) return all;
  }
}

struct FusionCase {
  FusionShape shape;
  std::vector<PlacedWindow> windows;
  std::vector<float> maps, weights;
  bool rectify = false;

  explicit FusionCase(const FusionShape& s, unsigned seed) : shape(s) {
    if (s.photo.width == 3) shape.levels = {{3000, 6}, {3500, 7}};
    Random random(seed);
    std::int32_t k = 0;
    for (std::size_t l = 0; l < shape.levels.size(); ++l) {
      for (const auto y : places(shape.levels[l].height, s.window.height, s.stepY)) {
        for (const auto x : places(shape.levels[l].width, s.window.width, s.stepX)) {
          windows.push_back({k++, static_cast<std::int32_t>(l), y, x});
        }
      }
    }
    std::reverse(windows.begin(), windows.end());  // rows need not be in order
    const std::int64_t grid = s.grid.height * s.grid.width;
    for (std::int32_t i = 0; i < k; ++i) {
      auto map = i % 3 == 0 ? random.floats(grid) : random.rectified(grid);
      if (i % 5 == 4) std::fill(map.begin(), map.end(), 0.25F);
      maps.insert(maps.end(), map.begin(), map.end());
    }
    weights = random.floats(k, 0.01, 1.0);
    for (std::size_t i = 0; i < weights.size(); i += 7) weights[i] = 1e-30F;
  }

  [[nodiscard]] FuseArgs args(Fusion mode, float theta, float* out) const {
    return {maps.data(), shape.grid, shape.window, shape.levels, windows, weights,
            mode,        theta,      rectify,      shape.photo,  out};
  }
};

/** A canvas for each window, read at every pixel. `near`: pixels where some L is within rounding of theta > 0. */
inline std::vector<double> plainFuse(const FuseArgs& a, std::vector<bool>& near) {
  const std::int64_t height = a.photoSize.height, width = a.photoSize.width, n = height * width;
  std::vector<double> sum(static_cast<std::size_t>(n), 0.0), count(sum.size(), 0.0);
  near.assign(sum.size(), false);
  const double theta = static_cast<double>(a.theta);
  for (std::size_t k = 0; k < a.windows.size(); ++k) {
    const auto& w = a.windows[k];
    const Size level = a.levels[static_cast<std::size_t>(w.level)];
    const auto map = plainMap(a.maps + w.row * a.grid.height * a.grid.width, a.grid, a.window, a.rectify);
    const auto canvas = [&](std::int64_t y, std::int64_t x) {
      y -= w.y;
      x -= w.x;
      if (y < 0 || x < 0 || y >= a.window.height || x >= a.window.width) return 0.0;
      return at(map, y * a.window.width + x);
    };
    for (std::int64_t y = 0; y < height; ++y) {
      const auto py = plainPosition(y, level.height, height);
      if (py.i1 < w.y || py.i0 >= w.y + a.window.height) continue;
      for (std::int64_t x = 0; x < width; ++x) {
        const auto px = plainPosition(x, level.width, width);
        if (px.i1 < w.x || px.i0 >= w.x + a.window.width) continue;
        const double p = canvas(py.i0, px.i0), q = canvas(py.i0, px.i1), r = canvas(py.i1, px.i0),
                     s = canvas(py.i1, px.i1);
        const double top = p + px.f * (q - p), bottom = r + px.f * (s - r);
        const double l = static_cast<double>(a.weights[k]) * (top + py.f * (bottom - top));
        const auto i = static_cast<std::size_t>(y * width + x);
        if (theta > 0.0 && std::fabs(l - theta) < 1e-6) near[i] = true;
        if (a.mode == Fusion::max) {
          sum[i] = std::max(sum[i], l);
        } else if (a.mode == Fusion::average) {
          sum[i] += l;
        } else if (l > theta) {
          sum[i] += l;
          count[i] += 1.0;
        }
      }
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    if (a.mode == Fusion::average) sum[i] /= static_cast<double>(a.windows.size());
    if (a.mode == Fusion::mean) sum[i] = count[i] > 0.0 ? sum[i] / count[i] : 0.0;
  }
  return sum;
}

}  // namespace sess::test

#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "core/ops.h"

/** Made inputs, and the slow plain definitions that tests and benchmarks compare with. */
namespace sess::test {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(engine_); }
  std::int64_t below(std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(engine_); }
  std::vector<std::uint8_t> bytes(std::int64_t n) {
    std::vector<std::uint8_t> v(static_cast<std::size_t>(n));
    for (auto& b : v) b = static_cast<std::uint8_t>(below(256));
    return v;
  }
  std::vector<float> floats(std::int64_t n, double lo = 0.0, double hi = 1.0) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (auto& f : v) f = static_cast<float>(lo + (hi - lo) * uniform());
    return v;
  }
  /** Half zeros, as rectified maps are. */
  std::vector<float> rectified(std::int64_t n) {
    auto v = floats(n);
    for (auto& f : v) f = uniform() < 0.5 ? 0.0F : f;
    return v;
  }

 private:
  std::mt19937 engine_;
};

template <class V>
auto at(const V& v, std::int64_t i) {
  return v[static_cast<std::size_t>(i)];
}

/** The plain loops of SEMANTICS 2 and 5, in double and by themselves. */
struct PlainPosition {
  std::int64_t i0, i1;
  double f;
};

inline PlainPosition plainPosition(std::int64_t i, std::int64_t nIn, std::int64_t nOut) {
  const std::int64_t a = (2 * i + 1) * nIn - nOut, d = 2 * nOut;
  std::int64_t q = a / d;
  if (q * d > a) --q;
  const double f = static_cast<double>(a - q * d) / static_cast<double>(d);
  const auto clamp = [&](std::int64_t v) { return v < 0 ? 0 : v > nIn - 1 ? nIn - 1 : v; };
  return {clamp(q), clamp(q + 1), f};
}

/** norm(up(grid)), or norm(relu(up(grid))), height x width. */
inline std::vector<double> plainMap(const float* grid, Size size, Size window, bool rectify = false) {
  const std::int64_t n = size.height * size.width;
  std::vector<double> map(static_cast<std::size_t>(window.height * window.width), 0.0);
  bool flat = true;
  for (std::int64_t i = 1; i < n; ++i) flat = flat && grid[i] == grid[0];
  if (flat) return map;
  double lo = 1e300, hi = -1e300;
  for (std::int64_t y = 0; y < window.height; ++y) {
    const auto py = plainPosition(y, size.height, window.height);
    for (std::int64_t x = 0; x < window.width; ++x) {
      const auto px = plainPosition(x, size.width, window.width);
      const auto g = [&](std::int64_t r, std::int64_t c) { return static_cast<double>(grid[r * size.width + c]); };
      const double top = g(py.i0, px.i0) + px.f * (g(py.i0, px.i1) - g(py.i0, px.i0));
      const double bottom = g(py.i1, px.i0) + px.f * (g(py.i1, px.i1) - g(py.i1, px.i0));
      const double up = top + py.f * (bottom - top), s = rectify ? std::max(up, 0.0) : up;
      map[static_cast<std::size_t>(y * window.width + x)] = s;
      lo = std::min(lo, s);
      hi = std::max(hi, s);
    }
  }
  for (auto& v : map) v = hi > lo ? (v - lo) / (hi - lo) : 0.0;
  return map;
}

}  // namespace sess::test

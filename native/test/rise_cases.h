#pragma once

#include <cstdint>
#include <vector>

#include "core/philox.h"
#include "support.h"

namespace sess::test {

struct RiseShape {
  Size size;
  std::int64_t grid;
  double keep;
};

inline const std::vector<RiseShape>& riseShapes() {
  static const std::vector<RiseShape> shapes = {
      {{224, 224}, 7, 0.5}, {{56, 64}, 7, 0.5}, {{1, 1}, 7, 0.5},   {{37, 53}, 5, 0.1},  {{300, 9}, 16, 0.9},
      {{9, 31}, 1, 0.5},    {{5, 7}, 20, 0.3},  {{16, 16}, 4, 1.0}, {{2, 1001}, 3, 0.7},
  };
  return shapes;
}

/** A mask as binding.d.ts and rise.h tell it, in double and by itself. */
inline std::vector<double> plainRise(const RiseShape& s, std::uint64_t seed, std::uint32_t number) {
  const std::int64_t side = s.grid + 1;
  const PhiloxKey key{{static_cast<std::uint32_t>(seed % (std::uint64_t{1} << 32)),
                       static_cast<std::uint32_t>(seed / (std::uint64_t{1} << 32))}};
  const auto word = [&](std::int64_t block, std::int64_t k) {
    return static_cast<double>(philox({{static_cast<std::uint32_t>(block), number, 0, 1}}, key).word[k]);
  };
  const auto cellOf = [&](std::int64_t n) { return n / s.grid + (n % s.grid > 0 ? 1 : 0); };
  const auto cellY = cellOf(s.size.height), cellX = cellOf(s.size.width);
  const auto shiftY = static_cast<std::int64_t>(word(0, 0) / 0x1p32 * static_cast<double>(cellY));
  const auto shiftX = static_cast<std::int64_t>(word(0, 1) / 0x1p32 * static_cast<double>(cellX));
  std::vector<double> values;
  for (std::int64_t i = 0; i < side * side; ++i) values.push_back(word(1 + i / 4, i % 4) / 0x1p32 < s.keep ? 1.0 : 0.0);
  std::vector<double> mask;
  for (std::int64_t y = 0; y < s.size.height; ++y) {
    const auto py = plainPosition(y + shiftY, side, side * cellY);
    for (std::int64_t x = 0; x < s.size.width; ++x) {
      const auto px = plainPosition(x + shiftX, side, side * cellX);
      const auto v = [&](std::int64_t r, std::int64_t c) { return at(values, r * side + c); };
      mask.push_back((1.0 - py.f) * ((1.0 - px.f) * v(py.i0, px.i0) + px.f * v(py.i0, px.i1)) +
                     py.f * ((1.0 - px.f) * v(py.i1, px.i0) + px.f * v(py.i1, px.i1)));
    }
  }
  return mask;
}

}  // namespace sess::test

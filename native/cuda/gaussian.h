#pragma once

#include <string>
#include <vector>

#include "core/gauss.h"
#include "core/geometry.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** A tile of a plane: its lines smoothed down into shared memory, with what lies beside it, then along. */
struct GaussianTile {
  static constexpr int kColumns = 128;

  const float* planes;
  float* out;
  const float* half;
  int reach, height, width;
  int samples;              // planes that lie pixel by pixel beside each other; 1: each by itself
  int rows, across, tiles;  // of a tile; side by side; of a plane

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t plane = block / tiles, tile = block % tiles;
    const std::int64_t first = plane / samples * samples * height * width + plane % samples;
    const int y0 = static_cast<int>(tile / across) * rows, x0 = static_cast<int>(tile % across) * kColumns;
    const int columns = least(kColumns, width - x0), lines = least(rows, height - y0), wide = columns + 2 * reach;
    float* const down = team.template array<float>(static_cast<std::int64_t>(rows) * (kColumns + 2 * reach));
    team.each(lines * wide, [&](int i) {
      const int y = y0 + i / wide;
      const float* const column = planes + first + reflect101(x0 - reach + i % wide, width) * samples;
      const auto at = [&](int row) { return column[reflect101(row, height) * width * samples]; };
      float sum = half[0] * at(y);
      for (int k = 1; k <= reach; ++k) sum += half[k] * (at(y - k) + at(y + k));
      down[i] = sum;
    });
    team.each(lines * columns, [&](int i) {
      const int y = i / columns, x = i % columns;
      const float* centre = down + y * wide + x + reach;
      float sum = half[0] * centre[0];
      for (int k = 1; k <= reach; ++k) sum += half[k] * (centre[-k] + centre[k]);
      out[first + (static_cast<std::int64_t>(y0 + y) * width + x0 + x) * samples] = sum;
    });
  }
};

/** `count` planes of `size`, `samples` of them pixel by pixel beside each other. */
struct Planes {
  const float* data;
  std::int64_t count;
  Size size;
  int samples;
};

/** Separable Gaussian over each plane, reflect-101 border. */
template <class Launcher>
void gaussian(Launcher& launch, const Planes& planes, int taps, double sigma, float* out) {
  constexpr int kMostRows = 16;
  const int reach = taps / 2, height = coordinate(planes.size.height), width = coordinate(planes.size.width);
  const std::int64_t line = GaussianTile::kColumns + 2 * static_cast<std::int64_t>(reach);
  const auto fit = static_cast<std::int64_t>(kMostShared / sizeof(float)) / line;
  if (fit < 1) throw Error(Code::optionInvalid, "a Gaussian of " + std::to_string(taps) + " taps is too wide");
  const int rows = fit < kMostRows ? static_cast<int>(fit) : kMostRows;
  const std::int64_t across = ceilDiv(width, GaussianTile::kColumns), tiles = across * ceilDiv(height, rows);
  const std::vector<float> half = gaussianHalf(taps, sigma);
  launch.blocks(planes.count * tiles, sharedBytes<float>(rows * line),
                GaussianTile{.planes = planes.data,
                             .out = out,
                             .half = launch.upload(std::span<const float>(half)),
                             .reach = reach,
                             .height = height,
                             .width = width,
                             .samples = planes.samples,
                             .rows = rows,
                             .across = static_cast<int>(across),
                             .tiles = coordinate(tiles)});
}

}  // namespace sess::cuda

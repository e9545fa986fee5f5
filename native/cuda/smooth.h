#pragma once

#include "core/gauss.h"
#include "core/geometry.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** A tile: its lines smoothed down into shared memory, with what lies beside it, then along. */
struct SmoothTile {
  static constexpr int kColumns = 128;

  const float* map;
  float* out;
  const float* half;
  int reach, height, width, rows, across;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const int y0 = static_cast<int>(block / across) * rows, x0 = static_cast<int>(block % across) * kColumns;
    const int columns = least(kColumns, width - x0), lines = least(rows, height - y0), wide = columns + 2 * reach;
    float* const down = team.template array<float>(static_cast<std::int64_t>(rows) * (kColumns + 2 * reach));
    team.each(lines * wide, [&](int i) {
      const int y = y0 + i / wide;
      const float* column = map + reflect101(x0 - reach + i % wide, width);
      const auto at = [&](int row) { return column[reflect101(row, height) * width]; };
      float sum = half[0] * at(y);
      for (int k = 1; k <= reach; ++k) sum += half[k] * (at(y - k) + at(y + k));
      down[i] = sum;
    });
    team.each(lines * columns, [&](int i) {
      const int y = i / columns, x = i % columns;
      const float* centre = down + y * wide + x + reach;
      float sum = half[0] * centre[0];
      for (int k = 1; k <= reach; ++k) sum += half[k] * (centre[-k] + centre[k]);
      out[static_cast<std::int64_t>(y0 + y) * width + x0 + x] = sum;
    });
  }
};

template <class Launcher>
void smooth(Launcher& launch, const SmoothArgs& args) {
  constexpr int kMostRows = 16;
  const int reach = args.taps / 2, height = coordinate(args.size.height), width = coordinate(args.size.width);
  const std::int64_t line = SmoothTile::kColumns + 2 * static_cast<std::int64_t>(reach);
  const auto fit = static_cast<std::int64_t>(kMostShared / sizeof(float)) / line;
  if (fit < 1) throw Error(Code::optionInvalid, "a Gaussian of " + std::to_string(args.taps) + " taps is too wide");
  const int rows = fit < kMostRows ? static_cast<int>(fit) : kMostRows;
  const std::int64_t across = ceilDiv(width, SmoothTile::kColumns);
  const std::vector<float> half = gaussianHalf(args.taps, args.sigma);
  launch.blocks(across * ceilDiv(height, rows), sharedBytes<float>(rows * line),
                SmoothTile{.map = args.map,
                           .out = args.out,
                           .half = launch.upload(std::span<const float>(half)),
                           .reach = reach,
                           .height = height,
                           .width = width,
                           .rows = rows,
                           .across = static_cast<int>(across)});
}

}  // namespace sess::cuda

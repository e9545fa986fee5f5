#pragma once

#include "core/cam.h"
#include "core/rise.h"
#include "cuda/axis.h"

namespace sess::cuda {

/** Where a mask begins in what its grid covers. */
struct MaskShift {
  std::int32_t y, x;
};

/** Shift and values of mask i, or of the one that copy i asks for: one thread for each Philox block. */
struct MakeRiseMasks {
  RiseMasks masks;
  Size image;
  const Copy* copies;   // null: mask i
  std::int64_t blocks;  // of a mask
  MaskShift* shifts;
  std::uint8_t* values;  // masks x side x side, 0 or 1

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t k = i / blocks, block = i % blocks, side = riseSide(masks), n = side * side;
    const auto mask = static_cast<std::uint32_t>(copies == nullptr ? k : copies[k].what);
    if (block == 0) {
      const RiseShift shift = riseShift(masks, mask, image);
      shifts[k] = {static_cast<std::int32_t>(shift.y), static_cast<std::int32_t>(shift.x)};
      return;
    }
    const PhiloxCounter bits = riseBits(masks.seed, mask, static_cast<std::uint32_t>(block));
    for (std::int64_t w = 0, at = 4 * (block - 1); w < 4 && at < n; ++w, ++at) {
      values[k * n + at] = riseValue(bits.word[w], masks.keep) > 0.0F ? 1 : 0;
    }
  }
};

/** Masks on the device, and how they are read. */
struct RiseTables {
  const MaskShift* shifts;
  const std::uint8_t* values;
  const AxisAt* rows;
  const AxisAt* columns;
  int side;

  /** Mask k at a pixel. */
  template <class Real>
  [[nodiscard]] SESS_HD Real at(std::int64_t k, int y, int x) const {
    const MaskShift shift = shifts[k];
    const AxisAt row = rows[y + shift.y], column = columns[x + shift.x];
    const std::uint8_t* const grid = values + k * side * side;
    const std::uint8_t* const upper = grid + clampIndex(row.left, side) * side;
    const std::uint8_t* const lower = grid + clampIndex(row.left + 1, side) * side;
    const auto i = clampIndex(column.left, side), j = clampIndex(column.left + 1, side);
    const auto between = [](Real a, Real b, float f) { return a + static_cast<Real>(f) * (b - a); };
    return between(between(upper[i], lower[i], row.fraction), between(upper[j], lower[j], row.fraction),
                   column.fraction);
  }
};

/** `count` masks: those of `copies`, or without them the first. */
template <class Launcher>
RiseTables makeRiseMasks(Launcher& launch, const RiseMasks& masks, Size image, std::int64_t count, const Copy* copies) {
  const std::int64_t side = riseSide(masks), blocks = 1 + ceilDiv(side * side, 4);
  const std::int64_t height = side * riseCell(image.height, masks.grid),
                     width = side * riseCell(image.width, masks.grid);
  AxisTables axes;
  const std::int64_t rows = axes.add(side, height, 0, height), columns = axes.add(side, width, 0, width);
  const AxisAt* entries = axes.make(launch);
  auto* shifts = launch.template workspace<MaskShift>(count);
  auto* values = launch.template workspace<std::uint8_t>(count * side * side);
  launch.threads(count * blocks, MakeRiseMasks{masks, image, copies, blocks, shifts, values});
  return {shifts, values, entries + rows, entries + columns, coordinate(side)};
}

}  // namespace sess::cuda

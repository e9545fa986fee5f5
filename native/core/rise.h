#pragma once

#include <cstdint>

#include "core/hd.h"
#include "core/ops.h"
#include "core/philox.h"

/**
 * The masks of RISE (Petsiuk, Das, Saenko 2018): (grid + 1) x (grid + 1) values of 0 or 1, read bilinearly at `grid +
 * 1` cells an axis, from a shift of less than a cell on. Mask m of a seed has the Philox counters {block, m, 0, 1}
 * (those of noise end in 0). Words 0 and 1 of block 0 are the shifts down and along; word i % 4 of block 1 + i / 4
 * decides value i of the grid, row by row.
 */
namespace sess {

SESS_HD inline PhiloxCounter riseBits(std::uint64_t seed, std::uint32_t mask, std::uint32_t block) {
  const PhiloxKey key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  return philox({{block, mask, 0U, 1U}}, key);
}

/** Pixels of a cell along an axis of `side` pixels. */
SESS_HD inline std::int64_t riseCell(std::int64_t side, std::int64_t grid) { return (side + grid - 1) / grid; }

/** Values along each axis. */
SESS_HD inline std::int64_t riseSide(const RiseMasks& masks) { return masks.grid + 1; }

struct RiseShift {
  std::int64_t y, x;
};

/** Where the image begins in what the grid covers: 0 to cell - 1 on each axis. */
SESS_HD inline RiseShift riseShift(const RiseMasks& masks, std::uint32_t mask, Size image) {
  const PhiloxCounter bits = riseBits(masks.seed, mask, 0U);
  const auto scaled = [](std::uint32_t word, std::int64_t cell) {
    return static_cast<std::int64_t>(word * static_cast<std::uint64_t>(cell) >> 32);
  };
  return {scaled(bits.word[0], riseCell(image.height, masks.grid)),
          scaled(bits.word[1], riseCell(image.width, masks.grid))};
}

/** 1 with probability `keep`, else 0. */
SESS_HD inline float riseValue(std::uint32_t word, double keep) {
  return static_cast<double>(word) < keep * 0x1p32 ? 1.0F : 0.0F;
}

/** All values of a mask's grid. */
SESS_HD inline void riseValues(const RiseMasks& masks, std::uint32_t mask, float* values) {
  const std::int64_t n = riseSide(masks) * riseSide(masks);
  for (std::int64_t i = 0; i < n; i += 4) {
    const PhiloxCounter bits = riseBits(masks.seed, mask, static_cast<std::uint32_t>(1 + i / 4));
    for (std::int64_t k = 0; k < 4 && i + k < n; ++k) values[i + k] = riseValue(bits.word[k], masks.keep);
  }
}

}  // namespace sess

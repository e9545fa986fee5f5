#include <algorithm>
#include <vector>

#include "core/geometry.h"
#include "core/rise.h"
#include "cpu/ops.h"
#include "cpu/peak.h"

namespace sess::cpu {

namespace {

std::vector<Position> positionsOf(std::int64_t side, std::int64_t cell) {
  std::vector<Position> positions;
  for (std::int64_t i = 0; i < side * cell; ++i) positions.push_back(bilinearPosition(i, side, side * cell));
  return positions;
}

/**
 * The weighted sum of masks, in double. Masks of one shift along are read at the same places of a row, so their
 * weighted values are summed first, for each row and shift, and read together then: a mask costs `grid + 1` sums a row,
 * not one a pixel. Each sum runs in the order of the masks, whichever rows are computed together.
 */
class RiseSums {
 public:
  explicit RiseSums(const RiseReduceArgs& args)
      : args_(args),
        side_(riseSide(args.masks)),
        shifts_(riseCell(args.size.width, args.masks.grid)),
        rows_(positionsOf(side_, riseCell(args.size.height, args.masks.grid))),
        columns_(positionsOf(side_, shifts_)) {}

  /** Doubles that a row keeps between its sums and its pixels. */
  [[nodiscard]] std::int64_t sumsOfRow() const { return shifts_ * side_; }
  /** Doubles of `working` in `into` for `rows` rows. */
  [[nodiscard]] std::int64_t workingDoubles(std::int64_t rows) const { return rows * sumsOfRow() + args_.size.width; }

  /** Rows [y0, y1) of the map that belongs to these weights. */
  void into(const float* weights, std::int64_t y0, std::int64_t y1, double* working, float* map) const {
    double* pixels = working + (y1 - y0) * sumsOfRow();
    std::vector<float> values(index(side_ * side_));
    std::fill_n(working, (y1 - y0) * sumsOfRow(), 0.0);
    for (std::int64_t m = 0; m < args_.count; ++m) {
      add(static_cast<std::uint32_t>(m), static_cast<double>(weights[m]), y0, y1, values.data(), working);
    }
    const double scale = static_cast<double>(args_.count) * args_.masks.keep;
    for (std::int64_t y = y0; y < y1; ++y) {
      read(working + (y - y0) * sumsOfRow(), pixels);
      std::transform(pixels, pixels + args_.size.width, map + y * args_.size.width,
                     [&](double sum) { return static_cast<float>(sum / scale); });
    }
  }

 private:
  void add(std::uint32_t mask, double weight, std::int64_t y0, std::int64_t y1, float* values, double* sums) const {
    riseValues(args_.masks, mask, values);
    const RiseShift shift = riseShift(args_.masks, mask, args_.size);
    for (std::int64_t y = y0; y < y1; ++y) {
      const Position& at = rows_[index(y + shift.y)];
      const float* above = values + clampIndex(at.left, side_) * side_;
      const float* below = values + clampIndex(at.left + 1, side_) * side_;
      double* sum = sums + (y - y0) * sumsOfRow() + shift.x * side_;
      for (std::int64_t k = 0; k < side_; ++k) {
        const double a = static_cast<double>(above[k]), b = static_cast<double>(below[k]);
        sum[k] += weight * (a + at.fraction * (b - a));
      }
    }
  }

  void read(const double* sums, double* pixels) const {
    std::fill_n(pixels, args_.size.width, 0.0);
    for (std::int64_t shift = 0; shift < shifts_; ++shift) {
      const double* line = sums + shift * side_;
      for (std::int64_t x = 0; x < args_.size.width; ++x) {
        const Position& at = columns_[index(x + shift)];
        const double a = line[clampIndex(at.left, side_)], b = line[clampIndex(at.left + 1, side_)];
        pixels[x] += a + at.fraction * (b - a);
      }
    }
  }

  const RiseReduceArgs& args_;
  std::int64_t side_, shifts_;
  std::vector<Position> rows_, columns_;
};

}  // namespace

void riseReduce(const Context& context, const RiseReduceArgs& args) {
  constexpr std::int64_t kSums = 32 * 1024;  // of a task: they stay in the second-level cache
  const RiseSums sums(args);
  const std::int64_t height = args.size.height, pixels = height * args.size.width;
  const auto maps = static_cast<std::int64_t>(args.rows.size());
  const std::int64_t shared = ceilDiv(height * maps, 2 * context.pool.threads());
  const std::int64_t rows = std::clamp<std::int64_t>(std::min(kSums / sums.sumsOfRow(), shared), 1, height);
  const std::int64_t parts = ceilDiv(height, rows);
  context.pool.parallelFor(maps * parts, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t row = task / parts, y0 = task % parts * rows, y1 = std::min(height, y0 + rows);
    sums.into(args.weights + row * args.count, y0, y1, scratch.of<double>(sums.workingDoubles(y1 - y0)),
              args.maps + args.rows[index(row)] * pixels);
  });
  for (const std::int32_t row : args.rows) args.peaks[row] = peakOf(args.maps + row * pixels, pixels);
}

}  // namespace sess::cpu

#include <algorithm>

#include "core/geometry.h"
#include "core/rise.h"
#include "cpu/masked_rows.h"
#include "cpu/ops.h"
#include "cpu/taps.h"

namespace sess::cpu {

namespace {

/** Reads masks' grids at the pixels of an image. */
class RiseSurface {
 public:
  RiseSurface(const RiseMasks& masks, Size image)
      : side_(riseSide(masks)),
        rows_(axisOf(side_, riseCell(image.height, masks.grid))),
        columns_(axisOf(side_, riseCell(image.width, masks.grid))),
        width_(image.width) {
    for (auto& left : columns_.left) ++left;  // the line begins with its first value doubled
  }

  /** Floats of `line` in `row`. */
  [[nodiscard]] std::int64_t lineFloats() const { return side_ + 2 + kSlack; }

  void row(const Kernels& kernels, const float* values, RiseShift shift, std::int64_t y, float* line,
           float* out) const {
    const std::int64_t upper = rows_.left[index(y + shift.y)];
    const auto valuesOf = [&](std::int64_t r) { return values + clampIndex(r, side_) * side_; };
    kernels.lerpRow(valuesOf(upper), valuesOf(upper + 1), rows_.fraction[index(y + shift.y)], side_, line + 1);
    line[0] = line[1];
    std::fill_n(line + 1 + side_, 1 + kSlack, line[side_]);
    kernels.expand(line, columns_.left.data() + shift.x, columns_.fraction.data() + shift.x, width_, true, out);
  }

 private:
  static Axis axisOf(std::int64_t side, std::int64_t cell) { return makeAxis(side, side * cell, 0, side * cell); }

  std::int64_t side_;
  Axis rows_, columns_;
  std::int64_t width_;
};

}  // namespace

void riseMask(const Context& context, const RiseMaskArgs& args) {
  constexpr std::int64_t kPixels = 64 * 1024;  // of a task
  const Size size = args.images.size;
  const RiseSurface surface(args.masks, size);
  const MaskedRows masked(context.kernels, args.images, nullptr, args.out);
  const std::int64_t values = riseSide(args.masks) * riseSide(args.masks);
  const std::int64_t rows = std::clamp<std::int64_t>(kPixels / size.width, 1, size.height);
  const std::int64_t parts = ceilDiv(size.height, rows);
  const auto copies = static_cast<std::int64_t>(args.copies.size());
  context.pool.parallelFor(copies * parts, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t k = task / parts, y0 = task % parts * rows, y1 = std::min(size.height, y0 + rows);
    const Copy copy = args.copies[index(k)];
    const auto number = static_cast<std::uint32_t>(copy.what);
    float* grid = scratch.of<float>(values + surface.lineFloats() + size.width + masked.workingFloats());
    float* line = grid + values;
    float* mask = line + surface.lineFloats();
    riseValues(args.masks, number, grid);
    const RiseShift shift = riseShift(args.masks, number, size);
    for (std::int64_t y = y0; y < y1; ++y) {
      surface.row(context.kernels, grid, shift, y, line, mask);
      masked.write(k, copy.row, y, mask, mask + size.width);
    }
  });
}

}  // namespace sess::cpu

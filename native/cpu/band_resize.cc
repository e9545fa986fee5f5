#include "cpu/band_resize.h"

#include <algorithm>
#include <cassert>

#include "core/geometry.h"
#include "cpu/ops.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kSourceColumns = 768;  // photo columns of a task; each takes 2 x 192 bytes of its scratch
constexpr std::int64_t kMostColumns = 768;    // band columns of a task
constexpr std::int64_t kFewestColumns = 64;
constexpr std::int64_t kCells = kLanes - 1;  // kLanes photo rows have this many gaps to interpolate in

/** Band columns of a task: no more than its source buffers hold, fewer where threads would be left idle. */
std::int64_t blockOf(const PyramidArgs& a, int threads) {
  const std::int64_t support = 2 * ceilDiv(a.photoSize.width, a.level.width);
  const std::int64_t fit = (kSourceColumns - support) * a.level.width / a.photoSize.width;
  const std::int64_t down = ceilDiv(std::min(a.band.height, a.photoSize.height), kLanes);
  const std::int64_t shared = a.band.width * down / (4 * threads);
  return std::min(
      {std::clamp<std::int64_t>(fit, 1, kMostColumns), std::max<std::int64_t>(shared, kFewestColumns), a.band.width});
}

}  // namespace

BandResize::BandResize(const PyramidArgs& args, const Kernels& kernels, int threads)
    : args_(args),
      kernels_(kernels),
      shrinks_(args.level.height <= args.photoSize.height),
      columns_(makeTaps(args.photoSize.width, args.level.width, args.band.x, args.band.width, args.filter)),
      firstRow_(0),
      block_(blockOf(args, threads)),
      across_(ceilDiv(args.band.width, block_)) {
  assert(args.band.y >= 0 && args.band.y + args.band.height <= args.level.height);
  assert(args.band.x >= 0 && args.band.x + args.band.width <= args.level.width);
  if (shrinks_) {
    shrunkRows_ = makeTaps(args.photoSize.height, args.level.height, args.band.y, args.band.height, args.filter);
    down_ = ceilDiv(args.band.height, kLanes);
  } else {
    grownRows_ = makeAxis(args.photoSize.height, args.level.height, args.band.y, args.band.height);
    firstRow_ = upper(0);
    down_ = ceilDiv(upper(args.band.height - 1) - firstRow_ + 1, kCells);
  }
}

std::int64_t BandResize::upper(std::int64_t y) const {
  return clampIndex(grownRows_.left[index(y)], args_.photoSize.height);
}

void BandResize::run(std::int64_t task, Scratch& scratch) const {
  const std::int64_t down = task / across_, x0 = task % across_ * block_;
  const Buffers buffers = carve(scratch);
  if (shrinks_) {
    rowsFirst(down * kLanes, x0, buffers);
  } else {
    columnsFirst(firstRow_ + down * kCells, x0, buffers);
  }
}

BandResize::Buffers BandResize::carve(Scratch& scratch) const {
  const std::int64_t source = kSourceColumns * 3 * kLanes, wide = block_ * 3 * kLanes;
  float* base = scratch.of<float>(2 * source + wide + (shrinks_ ? 0 : wide));
  return {base, base + source, base + 2 * source, base + 2 * source + wide};
}

void BandResize::write(const Buffers& buffers, std::int64_t columns, std::int64_t rows, float* out, std::int64_t stride,
                       std::int64_t plane) const {
  kernels_.lanesToRows(buffers.sums, columns, rows, args_.channels.data(), args_.scale.data(), args_.bias.data(), out,
                       stride, plane);
}

/**
 * Sums of `rows` rows at band columns [x0, x1): `blend(row, from, n, out)` gives n interleaved samples of a row from
 * photo column `from` on; the horizontal filter runs over kLanes rows at once.
 */
template <class Blend>
void BandResize::sumColumns(const Buffers& buffers, std::int64_t x0, std::int64_t x1, std::int64_t rows,
                            const Blend& blend) const {
  std::fill_n(buffers.sums, (x1 - x0) * 3 * kLanes, 0.0F);
  const std::int64_t end = columns_.sourceEnd(x1);
  for (std::int64_t from = columns_.sourceBegin(x0); from < end; from += kSourceColumns) {
    const std::int64_t to = std::min(end, from + kSourceColumns), n = (to - from) * 3;
    for (std::int64_t r = 0; r < kLanes; ++r) {
      float* out = buffers.rows + r * n;
      if (r < rows) {
        blend(r, from, n, out);
      } else {
        std::fill_n(out, n, 0.0F);
      }
    }
    kernels_.rowsToLanes(buffers.rows, n, n, buffers.lanes);
    kernels_.blendLanes(buffers.lanes, from, to, columns_.view(x0), x1 - x0, buffers.sums);
  }
}

/** Output rows from y0 on: blended from the photo's bytes first, so that few are left for the horizontal filter. */
void BandResize::rowsFirst(std::int64_t y0, std::int64_t x0, const Buffers& buffers) const {
  const PyramidArgs& a = args_;
  const std::int64_t y1 = std::min(a.band.height, y0 + kLanes), x1 = std::min(a.band.width, x0 + block_);
  const std::int64_t stride = a.photoSize.width * 3;
  sumColumns(buffers, x0, x1, y1 - y0, [&](std::int64_t r, std::int64_t from, std::int64_t n, float* out) {
    const auto i = index(y0 + r);
    kernels_.blendRows(a.photo + shrunkRows_.first[i] * stride + from * 3, stride,
                       shrunkRows_.weights.data() + shrunkRows_.offset[i], shrunkRows_.count[i], n, out);
  });
  write(buffers, x1 - x0, y1 - y0, a.out + y0 * a.band.width + x0, a.band.width, a.band.height * a.band.width);
}

/** Output rows whose upper photo row is s0 or one of the kCells - 1 behind it. */
void BandResize::columnsFirst(std::int64_t s0, std::int64_t x0, const Buffers& buffers) const {
  const PyramidArgs& a = args_;
  const std::int64_t height = a.photoSize.height, stride = a.photoSize.width * 3, plane = a.band.height * a.band.width;
  const std::int64_t s1 = std::min(height, s0 + kLanes), x1 = std::min(a.band.width, x0 + block_), n = x1 - x0;
  sumColumns(buffers, x0, x1, s1 - s0, [&](std::int64_t r, std::int64_t from, std::int64_t m, float* out) {
    const float one = 1.0F;
    kernels_.blendRows(a.photo + (s0 + r) * stride + from * 3, stride, &one, 1, m, out);
  });
  write(buffers, n, s1 - s0, buffers.lines, n, kLanes * n);
  const auto& left = grownRows_.left;
  const auto begin =
      std::partition_point(left.begin(), left.end(), [&](std::int32_t row) { return clampIndex(row, height) < s0; });
  for (auto y = begin - left.begin(); y < a.band.height && upper(y) < s0 + kCells; ++y) {
    const std::int64_t top = upper(y) - s0, bottom = clampIndex(left[index(y)] + 1, height) - s0;
    for (std::int64_t c = 0; c < 3; ++c) {
      const float* line = buffers.lines + c * kLanes * n;
      kernels_.lerpRow(line + top * n, line + bottom * n, grownRows_.fraction[index(y)], n,
                       a.out + c * plane + y * a.band.width + x0);
    }
  }
}

}  // namespace sess::cpu

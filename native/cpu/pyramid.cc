#include <algorithm>
#include <cassert>

#include "core/geometry.h"
#include "cpu/ops.h"
#include "cpu/taps.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kSourceColumns = 768;  // photo columns of a task; each takes 2 x 192 bytes of its scratch
constexpr std::int64_t kMostColumns = 768;    // band columns of a task
constexpr std::int64_t kFewestColumns = 64;
constexpr std::int64_t kCells = kLanes - 1;  // kLanes photo rows have this many gaps to interpolate in

struct Buffers {
  float* rows;   // kLanes rows x kSourceColumns x 3
  float* lanes;  // kSourceColumns x 3 x kLanes
  float* sums;   // block x 3 x kLanes
  float* lines;  // 3 x kLanes x block, where rows are interpolated last
};

struct Plan {
  const PyramidArgs& args;
  const Kernels& kernels;
  Taps columns;
  std::int64_t block;  // band columns of a task

  void write(const Buffers& buffers, std::int64_t n, std::int64_t rows, float* out, std::int64_t stride,
             std::int64_t plane) const {
    kernels.lanesToRows(buffers.sums, n, rows, args.channels.data(), args.scale.data(), args.bias.data(), out, stride,
                        plane);
  }
};

std::int64_t floatsOf(const Plan& plan, bool lines) {
  const std::int64_t wide = plan.block * 3 * kLanes;
  return 2 * kSourceColumns * 3 * kLanes + wide + (lines ? wide : 0);
}

Buffers carve(const Plan& plan, Scratch& scratch, bool lines) {
  float* base = scratch.of<float>(floatsOf(plan, lines));
  const std::int64_t source = kSourceColumns * 3 * kLanes;
  return {base, base + source, base + 2 * source, base + 2 * source + plan.block * 3 * kLanes};
}

/**
 * Sums of `rows` rows at band columns [x0, x1): `blend(row, from, n, out)` gives n interleaved samples of a row from
 * photo column `from` on; the horizontal filter runs over kLanes rows at once.
 */
template <class Blend>
void sumColumns(const Plan& plan, const Buffers& buffers, std::int64_t x0, std::int64_t x1, std::int64_t rows,
                const Blend& blend) {
  std::fill_n(buffers.sums, (x1 - x0) * 3 * kLanes, 0.0F);
  const std::int64_t end = plan.columns.sourceEnd(x1);
  for (std::int64_t from = plan.columns.sourceBegin(x0); from < end; from += kSourceColumns) {
    const std::int64_t to = std::min(end, from + kSourceColumns), n = (to - from) * 3;
    for (std::int64_t r = 0; r < kLanes; ++r) {
      float* out = buffers.rows + r * n;
      if (r < rows) {
        blend(r, from, n, out);
      } else {
        std::fill_n(out, n, 0.0F);
      }
    }
    plan.kernels.rowsToLanes(buffers.rows, n, n, buffers.lanes);
    plan.kernels.blendLanes(buffers.lanes, from, to, plan.columns.view(x0), x1 - x0, buffers.sums);
  }
}

/** Rows shrink: they are blended from the photo's bytes first, and few are left for the horizontal filter. */
void rowsFirst(const Context& context, const Plan& plan) {
  const PyramidArgs& a = plan.args;
  const Taps rows = makeTaps(a.photoSize.height, a.level.height, a.band.y, a.band.height, a.filter);
  const std::int64_t across = ceilDiv(a.band.width, plan.block), down = ceilDiv(a.band.height, kLanes);
  const std::int64_t stride = a.photoSize.width * 3;
  context.pool.parallelFor(across * down, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t y0 = task / across * kLanes, x0 = task % across * plan.block;
    const std::int64_t y1 = std::min(a.band.height, y0 + kLanes), x1 = std::min(a.band.width, x0 + plan.block);
    const Buffers buffers = carve(plan, scratch, false);
    sumColumns(plan, buffers, x0, x1, y1 - y0, [&](std::int64_t r, std::int64_t from, std::int64_t n, float* out) {
      const auto i = index(y0 + r);
      plan.kernels.blendRows(a.photo + rows.first[i] * stride + from * 3, stride, rows.weights.data() + rows.offset[i],
                             rows.count[i], n, out);
    });
    plan.write(buffers, x1 - x0, y1 - y0, a.out + y0 * a.band.width + x0, a.band.width, a.band.height * a.band.width);
  });
}

/** Rows grow: each photo row goes through the horizontal filter once, then output rows lie between two of them. */
void columnsFirst(const Context& context, const Plan& plan) {
  const PyramidArgs& a = plan.args;
  const std::int64_t height = a.photoSize.height, stride = a.photoSize.width * 3, plane = a.band.height * a.band.width;
  const Axis rows = makeAxis(height, a.level.height, a.band.y, a.band.height);
  const auto upper = [&](std::int64_t y) { return clampIndex(rows.left[index(y)], height); };
  const std::int64_t first = upper(0), cells = upper(a.band.height - 1) - first + 1;
  const std::int64_t across = ceilDiv(a.band.width, plan.block), down = ceilDiv(cells, kCells);
  context.pool.parallelFor(across * down, context.cancel, [&](std::int64_t task, Scratch& scratch) {
    const std::int64_t s0 = first + task / across * kCells, s1 = std::min(height, s0 + kLanes);
    const std::int64_t x0 = task % across * plan.block, x1 = std::min(a.band.width, x0 + plan.block), n = x1 - x0;
    const Buffers buffers = carve(plan, scratch, true);
    sumColumns(plan, buffers, x0, x1, s1 - s0, [&](std::int64_t r, std::int64_t from, std::int64_t m, float* out) {
      const float one = 1.0F;
      plan.kernels.blendRows(a.photo + (s0 + r) * stride + from * 3, stride, &one, 1, m, out);
    });
    plan.write(buffers, n, s1 - s0, buffers.lines, n, kLanes * n);
    const auto begin = std::partition_point(rows.left.begin(), rows.left.end(),
                                            [&](std::int32_t left) { return clampIndex(left, height) < s0; });
    for (auto y = begin - rows.left.begin(); y < a.band.height && upper(y) < s0 + kCells; ++y) {
      const std::int64_t top = upper(y) - s0, bottom = clampIndex(rows.left[index(y)] + 1, height) - s0;
      for (std::int64_t c = 0; c < 3; ++c) {
        const float* line = buffers.lines + c * kLanes * n;
        plan.kernels.lerpRow(line + top * n, line + bottom * n, rows.fraction[index(y)], n,
                             a.out + c * plane + y * a.band.width + x0);
      }
    }
  });
}

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

void pyramid(const Context& context, const PyramidArgs& args) {
  assert(args.band.y >= 0 && args.band.y + args.band.height <= args.level.height);
  assert(args.band.x >= 0 && args.band.x + args.band.width <= args.level.width);
  const Plan plan{args, context.kernels,
                  makeTaps(args.photoSize.width, args.level.width, args.band.x, args.band.width, args.filter),
                  blockOf(args, context.pool.threads())};
  if (args.level.height <= args.photoSize.height) {
    rowsFirst(context, plan);
  } else {
    columnsFirst(context, plan);
  }
}

}  // namespace sess::cpu

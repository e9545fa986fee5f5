#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>
#include <vector>

#include "core/geometry.h"
#include "cpu/ops.h"
#include "cpu/surface.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kTileColumns = 1024, kTilePixels = 48 * 1024, kFewestRows = 8;

/** Where the photo's pixels lie on a level. */
struct Level {
  Size size;
  Axis rows, columns;
  bool dense;  // no photo column skips a level column
};

/** A window that adds something, and the photo pixels that it can touch: [top, bottom) x [left, right). */
struct Piece {
  const float* grid;
  const Level* level;
  Range range;
  std::int64_t y, x;  // in the level
  std::int64_t top, bottom, left, right;
  float weight;
};

struct Plan {
  const FuseArgs& args;
  const Kernels& kernels;
  Surface surface;
  std::vector<Level> levels;
  std::vector<Piece> pieces;
  std::int64_t tileRows, tileColumns;
};

/** Photo positions one of whose neighbours lies in [at, at + n) of the level; clamped neighbours included. */
std::pair<std::int64_t, std::int64_t> touched(const Axis& axis, std::int64_t at, std::int64_t n) {
  const auto begin = std::lower_bound(axis.left.begin(), axis.left.end(), at - 1);
  const auto end = std::lower_bound(begin, axis.left.end(), at + n);
  return {begin - axis.left.begin(), end - axis.left.begin()};
}

Piece pieceOf(const Plan& plan, std::size_t k, Scratch& scratch) {
  const PlacedWindow& window = plan.args.windows[k];
  const Level& level = plan.levels[static_cast<std::size_t>(window.level)];
  assert(window.y >= 0 && window.y + plan.args.window.height <= level.size.height);
  assert(window.x >= 0 && window.x + plan.args.window.width <= level.size.width);
  Piece piece{.grid = plan.args.maps + window.row * plan.args.grid.height * plan.args.grid.width,
              .level = &level,
              .range = {},
              .y = window.y,
              .x = window.x,
              .top = 0,
              .bottom = 0,
              .left = 0,
              .right = 0,
              .weight = plan.args.weights[k]};
  if (piece.weight > 0.0F) piece.range = plan.surface.range(plan.kernels, piece.grid, scratch);
  std::tie(piece.top, piece.bottom) = touched(level.rows, window.y, plan.args.window.height);
  std::tie(piece.left, piece.right) = touched(level.columns, window.x, plan.args.window.width);
  return piece;
}

/** Working memory of a tile. */
struct Buffers {
  float* sum;
  std::int32_t* count;
  float *line, *samples, *zeros, *above, *below;
};

/** The rows of one level that a piece spans, at photo columns [left, right); the two latest are kept. */
class LevelRows {
 public:
  LevelRows(const Plan& plan, const Piece& piece, std::int64_t left, std::int64_t right, const Buffers& buffers)
      : plan_(plan), piece_(piece), left_(left), columns_(right - left), buffers_(buffers) {
    first_ = piece.level->columns.left[index(left)];
    last_ = piece.level->columns.left[index(right - 1)] + 1;
    rows_[0] = buffers.above;
    rows_[1] = buffers.below;
  }

  /** Level row `y`, clamped to the level; zeros outside the window. */
  const float* at(std::int64_t y) {
    const std::int64_t row = clampIndex(y, piece_.level->size.height);
    if (row < piece_.y || row >= piece_.y + plan_.args.window.height) return buffers_.zeros;
    if (held_[0] == row) return rows_[0];
    if (held_[1] == row) return rows_[1];
    const int slot = held_[0] < held_[1] ? 0 : 1;
    held_[slot] = row;
    fill(row - piece_.y, rows_[slot]);
    return rows_[slot];
  }

 private:
  /** Window row `y` along level columns [first_, last_], then read at the photo's columns. */
  void fill(std::int64_t y, float* out) {
    const std::int64_t width = plan_.args.window.width, end = piece_.x + width;
    const std::int64_t from = std::max(first_, piece_.x), to = std::min(last_ + 1, end);
    float* samples = buffers_.samples - first_;  // by level column
    plan_.surface.row(plan_.kernels, piece_.grid, piece_.range, y, from - piece_.x, to - piece_.x, buffers_.line,
                      samples + from);
    // At most one column lies outside on each side: beyond the level it repeats the edge, inside it is empty canvas.
    if (first_ < from) samples[first_] = first_ < 0 ? samples[from] : 0.0F;
    if (last_ >= to) samples[last_] = last_ >= piece_.level->size.width ? samples[to - 1] : 0.0F;
    const Axis& columns = piece_.level->columns;
    plan_.kernels.expand(samples, columns.left.data() + left_, columns.fraction.data() + left_, columns_,
                         piece_.level->dense, out);
  }

  const Plan& plan_;
  const Piece& piece_;
  std::int64_t left_, columns_, first_ = 0, last_ = 0;
  const Buffers& buffers_;
  float* rows_[2];
  std::int64_t held_[2] = {-1, -1};
};

using Fold = void (*)(const LerpRows&);

Fold foldOf(const Kernels& kernels, const FuseArgs& args) {
  if (args.mode == Fusion::max) return kernels.foldMax;
  if (args.mode == Fusion::average) return kernels.foldSum;
  return args.theta > 0.0F ? kernels.foldMeanAbove : kernels.foldMean;
}

/** Folds a piece into the tile that begins at photo pixel (y0, x0) and ends before (y1, x1). */
void foldPiece(const Plan& plan, const Piece& piece, std::int64_t y0, std::int64_t y1, std::int64_t x0, std::int64_t x1,
               const Buffers& buffers, Fold fold) {
  const std::int64_t top = std::max(piece.top, y0), bottom = std::min(piece.bottom, y1);
  const std::int64_t left = std::max(piece.left, x0), right = std::min(piece.right, x1);
  if (top >= bottom || left >= right) return;
  LevelRows levelRows(plan, piece, left, right, buffers);
  const Axis& rows = piece.level->rows;
  const std::int64_t stride = x1 - x0;
  for (std::int64_t y = top; y < bottom;) {
    const std::int64_t upper = rows.left[index(y)];
    std::int64_t next = y + 1;
    while (next < bottom && rows.left[index(next)] == upper) ++next;
    const std::int64_t offset = (y - y0) * stride + left - x0;
    const float* above = levelRows.at(upper);
    const float* below = levelRows.at(upper + 1);
    fold({.upper = above,
          .lower = below,
          .fractions = rows.fraction.data() + y,
          .rows = next - y,
          .columns = right - left,
          .weight = piece.weight,
          .theta = plan.args.theta,
          .sum = buffers.sum + offset,
          .count = buffers.count + offset,
          .stride = stride});
    y = next;
  }
}

Buffers carve(const Plan& plan, Scratch& scratch) {
  // A tile's columns reach over at most the window's columns and one on each side.
  const std::int64_t pixels = plan.tileRows * plan.tileColumns, columns = plan.tileColumns;
  const std::int64_t samples = plan.args.window.width + 2 + kSlack;
  auto* sum = scratch.of<float>(2 * pixels + 3 * columns + samples + plan.surface.lineFloats());
  Buffers buffers{.sum = sum,
                  .count = reinterpret_cast<std::int32_t*>(sum + pixels),
                  .line = nullptr,
                  .samples = nullptr,
                  .zeros = sum + 2 * pixels,
                  .above = sum + 2 * pixels + columns,
                  .below = sum + 2 * pixels + 2 * columns};
  buffers.samples = buffers.below + columns;
  buffers.line = buffers.samples + samples;
  std::fill_n(buffers.zeros, columns, 0.0F);
  std::fill_n(buffers.samples, samples, 0.0F);
  return buffers;
}

void foldTile(const Plan& plan, std::int64_t y0, std::int64_t x0, Scratch& scratch) {
  const FuseArgs& a = plan.args;
  const std::int64_t y1 = std::min(a.photoSize.height, y0 + plan.tileRows);
  const std::int64_t x1 = std::min(a.photoSize.width, x0 + plan.tileColumns), pixels = (y1 - y0) * (x1 - x0);
  const Buffers buffers = carve(plan, scratch);
  const Fold fold = foldOf(plan.kernels, a);
  std::fill_n(buffers.sum, pixels, 0.0F);
  if (a.mode == Fusion::mean) std::fill_n(buffers.count, pixels, 0);
  for (const Piece& piece : plan.pieces) foldPiece(plan, piece, y0, y1, x0, x1, buffers, fold);
  const auto windows = static_cast<float>(std::max<std::size_t>(1, a.windows.size()));
  for (std::int64_t y = y0; y < y1; ++y) {
    const float* sum = buffers.sum + (y - y0) * (x1 - x0);
    float* out = a.out + y * a.photoSize.width + x0;
    if (a.mode == Fusion::mean) {
      plan.kernels.finishMean(sum, buffers.count + (y - y0) * (x1 - x0), x1 - x0, out);
    } else if (a.mode == Fusion::max) {
      std::copy_n(sum, x1 - x0, out);
    } else {
      std::transform(sum, sum + (x1 - x0), out, [&](float v) { return v / windows; });
    }
  }
}

}  // namespace

void fuse(const Context& context, const FuseArgs& args) {
  const Size photo = args.photoSize;
  const std::int64_t tileColumns = std::min(photo.width, kTileColumns);
  const std::int64_t across = ceilDiv(photo.width, tileColumns);
  const std::int64_t shared = ceilDiv(photo.height * across, 4 * context.pool.threads());
  Plan plan{.args = args,
            .kernels = context.kernels,
            .surface = Surface(args.grid, args.window),
            .levels = {},
            .pieces = std::vector<Piece>(args.windows.size()),
            .tileRows = std::min(kTilePixels / tileColumns, std::max(shared, kFewestRows)),
            .tileColumns = tileColumns};
  plan.tileRows = std::clamp<std::int64_t>(plan.tileRows, 1, photo.height);
  for (const Size level : args.levels) {
    plan.levels.push_back({.size = level,
                           .rows = makeAxis(level.height, photo.height, 0, photo.height),
                           .columns = makeAxis(level.width, photo.width, 0, photo.width),
                           .dense = level.width <= photo.width});
  }
  constexpr std::int64_t kRun = 8;  // windows of a task
  const auto windows = static_cast<std::int64_t>(args.windows.size());
  context.pool.parallelFor(ceilDiv(windows, kRun), context.cancel, [&](std::int64_t task, Scratch& scratch) {
    for (std::int64_t k = task * kRun; k < std::min(windows, (task + 1) * kRun); ++k) {
      plan.pieces[index(k)] = pieceOf(plan, index(k), scratch);
    }
  });
  std::erase_if(plan.pieces, [](const Piece& piece) { return piece.range.flat(); });
  context.pool.parallelFor(across * ceilDiv(photo.height, plan.tileRows), context.cancel,
                           [&](std::int64_t task, Scratch& scratch) {
                             foldTile(plan, task / across * plan.tileRows, task % across * tileColumns, scratch);
                           });
}

}  // namespace sess::cpu

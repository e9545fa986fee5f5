#include "cpu/folding.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

#include "core/geometry.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kTileColumns = 1024, kTilePixels = 48 * 1024, kFewestRows = 8;

/** Photo positions one of whose neighbours lies in [at, at + n) of the level; clamped neighbours included. */
std::pair<std::int64_t, std::int64_t> touched(const Axis& axis, std::int64_t at, std::int64_t n) {
  const auto begin = std::lower_bound(axis.left.begin(), axis.left.end(), at - 1);
  const auto end = std::lower_bound(begin, axis.left.end(), at + n);
  return {begin - axis.left.begin(), end - axis.left.begin()};
}

auto foldOf(const Kernels& kernels, const FuseArgs& args) {
  if (args.mode == Fusion::max) return kernels.foldMax;
  if (args.mode == Fusion::average) return kernels.foldSum;
  return args.theta > 0.0F ? kernels.foldMeanAbove : kernels.foldMean;
}

}  // namespace

/** Working memory of a tile. */
struct Folding::Buffers {
  float *line, *samples, *zeros, *above, *below;
};

/** The rows of one level that a piece spans, at photo columns [left, right); the two latest are kept. */
class Folding::LevelRows {
 public:
  LevelRows(const Folding& folding, const Piece& piece, std::int64_t left, std::int64_t right, const Buffers& buffers)
      : folding_(folding), piece_(piece), left_(left), columns_(right - left), buffers_(buffers) {
    first_ = piece.level->columns.left[index(left)];
    last_ = piece.level->columns.left[index(right - 1)] + 1;
    rows_[0] = buffers.above;
    rows_[1] = buffers.below;
  }

  /** Level row `y`, clamped to the level; zeros outside the window. */
  const float* at(std::int64_t y) {
    const std::int64_t row = clampIndex(y, piece_.level->size.height);
    if (row < piece_.y || row >= piece_.y + folding_.args_.window.height) return buffers_.zeros;
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
    const std::int64_t width = folding_.args_.window.width, end = piece_.x + width;
    const std::int64_t from = std::max(first_, piece_.x), to = std::min(last_ + 1, end);
    float* samples = buffers_.samples - first_;  // by level column
    folding_.surface_.row(folding_.kernels_, piece_.grid, piece_.range, y, from - piece_.x, to - piece_.x,
                          buffers_.line, samples + from);
    // At most one column lies outside on each side: beyond the level it repeats the edge, inside it is empty canvas.
    if (first_ < from) samples[first_] = first_ < 0 ? samples[from] : 0.0F;
    if (last_ >= to) samples[last_] = last_ >= piece_.level->size.width ? samples[to - 1] : 0.0F;
    const Axis& columns = piece_.level->columns;
    folding_.kernels_.expand(samples, columns.left.data() + left_, columns.fraction.data() + left_, columns_,
                             piece_.level->dense, out);
  }

  const Folding& folding_;
  const Piece& piece_;
  std::int64_t left_, columns_, first_ = 0, last_ = 0;
  const Buffers& buffers_;
  float* rows_[2];
  std::int64_t held_[2] = {-1, -1};
};

Folding::Folding(const Context& context, const FuseArgs& args)
    : args_(args),
      kernels_(context.kernels),
      surface_(args.grid, args.window),
      fold_(foldOf(context.kernels, args)),
      levels_(args.levels.size()),
      pieces_(args.windows.size()) {
  const Size photo = args.photoSize;
  for (const PlacedWindow& window : args.windows) {
    Level& level = levels_[index(window.level)];
    if (!level.rows.left.empty()) continue;
    const Size size = args.levels[index(window.level)];
    level = {.size = size,
             .rows = makeAxis(size.height, photo.height, 0, photo.height),
             .columns = makeAxis(size.width, photo.width, 0, photo.width),
             .dense = size.width <= photo.width};
  }
  constexpr std::int64_t kRun = 8;  // windows of a task
  const auto windows = static_cast<std::int64_t>(args.windows.size());
  context.pool.parallelFor(ceilDiv(windows, kRun), context.cancel, [&](std::int64_t task, Scratch& scratch) {
    for (std::int64_t k = task * kRun; k < std::min(windows, (task + 1) * kRun); ++k) {
      pieces_[index(k)] = pieceOf(index(k), scratch);
    }
  });
  std::erase_if(pieces_, [](const Piece& piece) { return piece.range.flat(); });
}

Folding::Piece Folding::pieceOf(std::size_t k, Scratch& scratch) const {
  const PlacedWindow& window = args_.windows[k];
  const Level& level = levels_[index(window.level)];
  assert(window.y >= 0 && window.y + args_.window.height <= level.size.height);
  assert(window.x >= 0 && window.x + args_.window.width <= level.size.width);
  Piece piece{.grid = args_.maps + window.row * args_.grid.height * args_.grid.width,
              .level = &level,
              .range = {},
              .y = window.y,
              .x = window.x,
              .top = 0,
              .bottom = 0,
              .left = 0,
              .right = 0,
              .weight = args_.weights[k]};
  if (piece.weight > 0.0F) piece.range = surface_.range(kernels_, piece.grid, args_.rectify, scratch);
  std::tie(piece.top, piece.bottom) = touched(level.rows, window.y, args_.window.height);
  std::tie(piece.left, piece.right) = touched(level.columns, window.x, args_.window.width);
  return piece;
}

std::int64_t Folding::workingFloats() const {
  // A tile's columns reach over at most the window's columns and one on each side.
  return 3 * kTileColumns + args_.window.width + 2 + kSlack + surface_.lineFloats();
}

void Folding::into(const Rect& tile, const Sums& sums, float* working) const {
  assert(tile.width <= kTileColumns);
  const std::int64_t samples = args_.window.width + 2 + kSlack;
  const Buffers buffers{.line = working + 3 * kTileColumns + samples,
                        .samples = working + 3 * kTileColumns,
                        .zeros = working,
                        .above = working + kTileColumns,
                        .below = working + 2 * kTileColumns};
  std::fill_n(buffers.zeros, tile.width, 0.0F);
  std::fill_n(buffers.samples, samples, 0.0F);
  for (const Piece& piece : pieces_) foldPiece(piece, tile, sums, buffers);
}

void Folding::foldPiece(const Piece& piece, const Rect& tile, const Sums& sums, const Buffers& buffers) const {
  const std::int64_t top = std::max(piece.top, tile.y), bottom = std::min(piece.bottom, tile.y + tile.height);
  const std::int64_t left = std::max(piece.left, tile.x), right = std::min(piece.right, tile.x + tile.width);
  if (top >= bottom || left >= right) return;
  LevelRows levelRows(*this, piece, left, right, buffers);
  const Axis& rows = piece.level->rows;
  for (std::int64_t y = top; y < bottom;) {
    const std::int64_t upper = rows.left[index(y)];
    std::int64_t next = y + 1;
    while (next < bottom && rows.left[index(next)] == upper) ++next;
    const std::int64_t offset = (y - tile.y) * sums.stride + left - tile.x;
    const float* above = levelRows.at(upper);
    const float* below = levelRows.at(upper + 1);
    fold_({.upper = above,
           .lower = below,
           .fractions = rows.fraction.data() + y,
           .rows = next - y,
           .columns = right - left,
           .weight = piece.weight,
           .theta = args_.theta,
           .sum = sums.sum + offset,
           .count = sums.count + offset,
           .stride = sums.stride});
    y = next;
  }
}

void forEachTile(const Context& context, Size photo, const std::function<void(const Rect& tile, Scratch&)>& body) {
  const std::int64_t columns = std::min(photo.width, kTileColumns), across = ceilDiv(photo.width, columns);
  const std::int64_t shared = ceilDiv(photo.height * across, 4 * context.pool.threads());
  const std::int64_t wanted = std::min(kTilePixels / columns, std::max(shared, kFewestRows));
  const std::int64_t rows = std::clamp<std::int64_t>(wanted, 1, photo.height);
  context.pool.parallelFor(
      across * ceilDiv(photo.height, rows), context.cancel, [&](std::int64_t task, Scratch& scratch) {
        const std::int64_t y = task / across * rows, x = task % across * columns;
        body({y, x, std::min(rows, photo.height - y), std::min(columns, photo.width - x)}, scratch);
      });
}

}  // namespace sess::cpu

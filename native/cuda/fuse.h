#pragma once

#include "cuda/finish.h"
#include "cuda/pieces.h"

namespace sess::cuda {

/** Place of the lowest bit of a mask that is not 0. */
SESS_HD inline int lowestBit(std::uint32_t mask) {
#if defined(__CUDA_ARCH__)
  return __ffs(static_cast<int>(mask)) - 1;
#else
  return __builtin_ctz(mask);
#endif
}

/**
 * A tile of the photo, folded by gathering: the windows that touch it come one after the other, in their order, so sums
 * depend on nothing else. For each, the level's rows that the tile reads are made along the photo's columns once, in
 * shared memory; a pixel then interpolates between two of them. Each thread has every fourth pixel of a column and
 * keeps their sums to itself.
 */
struct FoldTile {
  static constexpr int kColumns = 64, kMostRows = 32, kWords = kThreads;
  static constexpr int kRowsAtOnce = kThreads / kColumns, kPixelsOfThread = kMostRows / kRowsAtOnce;
  static constexpr std::size_t kShared =
      sharedBytes<float>(2 * kColumns * kMostRows) + sharedBytes<std::uint32_t>(kWords);

  Pieces windows;
  Fusion mode;
  float theta;
  int height, width;  // of the photo
  int rows, across;   // of a tile; tiles side by side
  double rescale;     // of the sums that were there before; 0: there were none
  float* sums;        // 2 x height x width; null: `out` gets the fused map
  float* out;
  float divisor;

  struct Tile {
    int y, x, height, width;
  };
  struct Shared {
    float* lines;
    std::uint32_t* masks;  // a bit for each window
  };
  /** Of a thread's pixels, from the top. */
  struct Sums {
    float sum[kPixelsOfThread], count[kPixelsOfThread];
  };
  /** The part of a tile that a window touches, and how the level rows behind it lie in Shared::lines. */
  struct Part {
    const float* grid;
    Piece piece;
    LevelAxes level;
    Footprint at;
    int first;      // level row of line 0, where they follow each other
    bool together;  // else two lines for each photo row
    [[nodiscard]] SESS_HD int lines() const {
      return together ? level.rows[at.bottom - 1].left + 2 - first : 2 * (at.bottom - at.top);
    }
    /** Level row behind a line. */
    [[nodiscard]] SESS_HD int rowOf(int line) const {
      return together ? first + line : level.rows[at.top + line / 2].left + line % 2;
    }
    /** Line of the upper neighbour of photo row `y`; the lower one's is the next. */
    [[nodiscard]] SESS_HD int lineOf(int y) const { return together ? level.rows[y].left - first : 2 * (y - at.top); }
  };

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const Tile tile = tileAt(block);
    const Shared shared{.lines = team.template array<float>(2 * kColumns * kMostRows),
                        .masks = team.template array<std::uint32_t>(kWords)};
    auto own = team.template own<Sums>();
    bool begun = sums == nullptr || rescale != 1.0;  // else a tile that no window touches stays as it is
    if (begun) begin(team, tile, own);
    for (int first = 0; first < windows.count; first += 32 * kWords) {
      const int words = least(kWords, (windows.count - first + 31) / 32);
      team.each(words, [&](int w) { shared.masks[w] = touching(tile, first + 32 * w); });
      for (int w = 0; w < words; ++w) {
        for (std::uint32_t mask = shared.masks[w]; mask != 0; mask &= mask - 1) {
          if (!begun) begin(team, tile, own);
          begun = true;
          add(team, tile, shared, own, first + 32 * w + lowestBit(mask));
        }
      }
      team.sync();  // before the next masks are written
    }
    if (begun) end(team, tile, own);
  }

 private:
  [[nodiscard]] SESS_HD Tile tileAt(std::int64_t block) const {
    const int y = static_cast<int>(block / across) * rows, x = static_cast<int>(block % across) * kColumns;
    return {y, x, least(rows, height - y), least(kColumns, width - x)};
  }

  /** f(sum, count, y, x) for the pixels (y, x) of the photo in rows [top, bottom) and columns [left, right) of the
   * tile. */
  template <class Team, class Own, class Body>
  SESS_HD void pixels(Team& team, const Tile& tile, Own& own, const Footprint& at, const Body& f) const {
    team.each(kThreads, [&](int thread) {
      const int x = tile.x + thread % kColumns;
      if (x < at.left || x >= at.right) return;
      Sums& mine = own.of(thread);
      SESS_UNROLL
      for (int k = 0; k < kPixelsOfThread; ++k) {
        const int y = tile.y + thread / kColumns + k * kRowsAtOnce;
        if (y >= at.top && y < at.bottom) f(mine.sum[k], mine.count[k], y, x);
      }
    });
  }

  [[nodiscard]] SESS_HD static Footprint whole(const Tile& tile) {
    return {tile.y, tile.y + tile.height, tile.x, tile.x + tile.width};
  }

  [[nodiscard]] SESS_HD std::int64_t placeOf(int y, int x) const { return static_cast<std::int64_t>(y) * width + x; }

  template <class Team, class Own>
  SESS_HD void begin(Team& team, const Tile& tile, Own& own) const {
    if (sums == nullptr || rescale == 0.0) return;  // from zeros
    const std::int64_t plane = static_cast<std::int64_t>(height) * width;
    pixels(team, tile, own, whole(tile), [&](float& sum, float& count, int y, int x) {
      const std::int64_t p = placeOf(y, x);
      sum = sums[p] * static_cast<float>(rescale);
      count = mode == Fusion::mean ? sums[plane + p] : 0.0F;
    });
  }

  template <class Team, class Own>
  SESS_HD void end(Team& team, const Tile& tile, Own& own) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width;
    pixels(team, tile, own, whole(tile), [&](const float& sum, const float& count, int y, int x) {
      const std::int64_t p = placeOf(y, x);
      if (sums == nullptr) {
        out[p] = finished(mode, sum, count, divisor);
        return;
      }
      sums[p] = sum;
      if (mode == Fusion::mean) sums[plane + p] = count;
    });
  }

  /** Which of the 32 windows from `first` on touch the tile. */
  [[nodiscard]] SESS_HD std::uint32_t touching(const Tile& tile, int first) const {
    std::uint32_t mask = 0;
    for (int b = 0; b < least(32, windows.count - first); ++b) {
      const Footprint f = windows.footprints[first + b];
      const bool meets =
          f.top < tile.y + tile.height && f.bottom > tile.y && f.left < tile.x + tile.width && f.right > tile.x;
      mask |= (meets ? 1U : 0U) << b;
    }
    return mask;
  }

  [[nodiscard]] SESS_HD Part partOf(const Tile& tile, int k) const {
    const Piece piece = windows.pieces[k];
    const LevelAxes level = windows.levels[piece.place.level];
    const Footprint f = windows.footprints[k];
    const Footprint at{most(f.top, tile.y), least(f.bottom, tile.y + tile.height), most(f.left, tile.x),
                       least(f.right, tile.x + tile.width)};
    const int first = level.rows[at.top].left, last = level.rows[at.bottom - 1].left + 1;
    return {windows.maps + piece.place.row * windows.surface.elements(),
            piece,
            level,
            at,
            first,
            last - first + 1 <= 2 * (at.bottom - at.top)};
  }

  /** The window's normalised map at a pixel of its level; 0 on the rest of the canvas. */
  [[nodiscard]] SESS_HD float canvas(const Part& part, int y, int x) const {
    const int row = y - part.piece.place.y, column = x - part.piece.place.x;
    if (column < 0 || column >= windows.surface.width) return 0.0F;
    return windows.surface.at(part.grid, part.piece.range, row, column);
  }

  /** Level row `y`, clamped, at a photo column. */
  [[nodiscard]] SESS_HD float along(const Part& part, int y, int x) const {
    const int row = clamped(y, part.level.height), top = part.piece.place.y;
    if (row < top || row >= top + windows.surface.height) return 0.0F;
    const AxisAt column = part.level.columns[x];
    return lerp(canvas(part, row, clamped(column.left, part.level.width)),
                canvas(part, row, clamped(column.left + 1, part.level.width)), column.fraction);
  }

  template <class Team, class Own>
  SESS_HD void add(Team& team, const Tile& tile, const Shared& shared, Own& own, int k) const {
    const Part part = partOf(tile, k);
    const int left = part.at.left - tile.x, right = part.at.right - tile.x;
    team.each(part.lines() * kColumns, [&](int i) {
      const int x = i % kColumns;
      if (x >= left && x < right) shared.lines[i] = along(part, part.rowOf(i / kColumns), tile.x + x);
    });
    pixels(team, tile, own, part.at, [&](float& sum, float& count, int y, int x) {
      const float* const upper = shared.lines + part.lineOf(y) * kColumns + (x - tile.x);
      fold(part.piece.weight, lerp(upper[0], upper[kColumns], part.level.rows[y].fraction), sum, count);
    });
  }

  /** Without theta v itself is counted, for a tiny weight may make the product underflow. */
  SESS_HD void fold(float weight, float v, float& sum, float& count) const {
    const float l = weight * v;
    if (mode == Fusion::max) {
      sum = l > sum ? l : sum;
    } else if (mode == Fusion::average) {
      sum += l;
    } else if (theta > 0.0F) {
      sum += l > theta ? l : 0.0F;
      count += l > theta ? 1.0F : 0.0F;
    } else {
      sum += l;
      count += v > 0.0F ? 1.0F : 0.0F;
    }
  }
};

/** Tiles over the photo: fewer rows where that gives too few of them. */
template <class Launcher>
void foldTiles(Launcher& launch, const FuseArgs& args, double rescale, float* sums) {
  constexpr std::int64_t kManyTiles = 512;
  const int height = coordinate(args.photoSize.height), width = coordinate(args.photoSize.width);
  const std::int64_t across = ceilDiv(width, FoldTile::kColumns);
  const bool large = across * ceilDiv(height, FoldTile::kMostRows) >= kManyTiles;
  const int rows = large ? FoldTile::kMostRows : FoldTile::kMostRows / 4;
  launch.blocks(across * ceilDiv(height, rows), FoldTile::kShared,
                FoldTile{.windows = makePieces(launch, args),
                         .mode = args.mode,
                         .theta = args.theta,
                         .height = height,
                         .width = width,
                         .rows = rows,
                         .across = static_cast<int>(across),
                         .rescale = rescale,
                         .sums = sums,
                         .out = args.out,
                         .divisor = divisorOf(static_cast<std::int64_t>(args.windows.size()))});
}

template <class Launcher>
void fuse(Launcher& launch, const FuseArgs& args) {
  foldTiles(launch, args, 0.0, nullptr);
}

template <class Launcher>
void fold(Launcher& launch, const FoldArgs& args) {
  if (args.rescale == 1.0 && args.some.windows.empty()) return;
  foldTiles(launch, args.some, args.rescale, args.sums);
}

}  // namespace sess::cuda

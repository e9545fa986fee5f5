#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/ops.h"
#include "cpu/ops.h"
#include "cpu/surface.h"
#include "cpu/taps.h"

namespace sess::cpu {

/** Sums over a rectangle of the photo, from its first pixel on; only a mean has a count. */
struct Sums {
  float* sum;
  float* count;
  std::int64_t stride;
};

/** Windows of a fusion, ready to be folded into any tile of the photo. */
class Folding {
 public:
  Folding(const Context& context, const FuseArgs& args);
  Folding(const Folding&) = delete;
  Folding& operator=(const Folding&) = delete;

  /** Floats of `working` in `into`. */
  [[nodiscard]] std::int64_t workingFloats() const;
  /** Adds what the windows have in `tile`, in their order. */
  void into(const Rect& tile, const Sums& sums, float* working) const;

 private:
  /** Where the photo's pixels lie on a level; empty where no window needs it. */
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
  struct Buffers;
  class LevelRows;

  [[nodiscard]] Piece pieceOf(std::size_t k, Scratch& scratch) const;
  void foldPiece(const Piece& piece, const Rect& tile, const Sums& sums, const Buffers& buffers) const;

  const FuseArgs args_;
  const Kernels& kernels_;
  const Surface surface_;
  void (*const fold_)(const LerpRows&);
  std::vector<Level> levels_;
  std::vector<Piece> pieces_;
};

/** Runs `body` over tiles that cover the photo, small enough for their sums to stay in the second-level cache. */
void forEachTile(const Context& context, Size photo, const std::function<void(const Rect& tile, Scratch&)>& body);

/** The fused map of `n` pixels from their sums; `windows` is what an average divides by. */
void finishRun(const Kernels& kernels, Fusion mode, std::int64_t windows, const float* sum, const float* count,
               std::int64_t n, float* out);

}  // namespace sess::cpu

#pragma once

#include <cstdint>

#include "core/ops.h"
#include "cpu/kernels.h"
#include "cpu/taps.h"
#include "cpu/thread_pool.h"

namespace sess::cpu {

/**
 * The resize of a photo to one band of one level, as tasks that any thread may run in any order. Where rows shrink,
 * they are blended from the photo's bytes first; where they grow, each photo row goes through the horizontal filter
 * once.
 */
class BandResize {
 public:
  /** `threads`: how many share the tasks. */
  BandResize(const PyramidArgs& args, const Kernels& kernels, int threads);

  [[nodiscard]] std::int64_t tasks() const { return across_ * down_; }
  void run(std::int64_t task, Scratch& scratch) const;

 private:
  /** Working memory of a task, interleaved samples of kLanes rows. */
  struct Buffers {
    float* rows;   // kLanes rows x source columns x 3
    float* lanes;  // source columns x 3 x kLanes
    float* sums;   // block_ x 3 x kLanes
    float* lines;  // 3 x kLanes x block_, where rows are interpolated last
  };

  [[nodiscard]] Buffers carve(Scratch& scratch) const;
  void rowsFirst(std::int64_t y0, std::int64_t x0, const Buffers& buffers) const;
  void columnsFirst(std::int64_t s0, std::int64_t x0, const Buffers& buffers) const;
  template <class Blend>
  void sumColumns(const Buffers& buffers, std::int64_t x0, std::int64_t x1, std::int64_t rows,
                  const Blend& blend) const;
  void write(const Buffers& buffers, std::int64_t columns, std::int64_t rows, float* out, std::int64_t stride,
             std::int64_t plane) const;
  /** The photo row above output row y, clamped (rows that grow). */
  [[nodiscard]] std::int64_t upper(std::int64_t y) const;

  PyramidArgs args_;
  const Kernels& kernels_;
  bool shrinks_;
  Taps columns_;
  Taps shrunkRows_;        // where rows shrink
  Axis grownRows_;         // where they grow
  std::int64_t firstRow_;  // where they grow: the first photo row
  std::int64_t block_;     // band columns of a task
  std::int64_t across_, down_;
};

}  // namespace sess::cpu

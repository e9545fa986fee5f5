#pragma once

#include <vector>

#include "core/geometry.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** Where one output of a line reads its source: `left`, not clamped, and the way to the next sample. */
struct AxisAt {
  std::int32_t left;
  float fraction;
};

/** Outputs `first` .. of a line of nOut that reads nIn, as table entries from `entry` on. */
struct Line {
  std::int64_t nIn, nOut, first, entry;
};

struct MakeAxis {
  const Line* lines;
  int count;
  AxisAt* entries;

  SESS_HD void operator()(std::int64_t i) const {
    int l = 0;
    while (l + 1 < count && lines[l + 1].entry <= i) ++l;
    const Line line = lines[l];
    const Position at = bilinearPosition(line.first + i - line.entry, line.nIn, line.nOut);
    entries[i] = {static_cast<std::int32_t>(at.left), static_cast<float>(at.fraction)};
  }
};

/** Tables of positions of several lines, made in one launch. */
class AxisTables {
 public:
  /** Returns the place of the first entry. */
  std::int64_t add(std::int64_t nIn, std::int64_t nOut, std::int64_t first, std::int64_t n) {
    lines_.push_back({nIn, nOut, first, entries_});
    entries_ += n;
    return lines_.back().entry;
  }

  template <class Launcher>
  const AxisAt* make(Launcher& launch) const {
    AxisAt* const entries = launch.template workspace<AxisAt>(entries_);
    launch.threads(entries_,
                   MakeAxis{launch.upload(std::span<const Line>(lines_)), static_cast<int>(lines_.size()), entries});
    return entries;
  }

 private:
  std::vector<Line> lines_;
  std::int64_t entries_ = 0;
};

/** The first output of a line whose `left` is at least `left`; nOut where there is none. */
SESS_HD inline std::int64_t firstReading(std::int64_t left, std::int64_t nIn, std::int64_t nOut) {
  // left_i >= left where (2i + 1) * nIn - nOut >= 2 * nOut * left.
  const std::int64_t least = (2 * left + 1) * nOut - nIn;
  const std::int64_t i = least <= 0 ? 0 : ceilDiv(least, 2 * nIn);
  return i < nOut ? i : nOut;
}

}  // namespace sess::cuda

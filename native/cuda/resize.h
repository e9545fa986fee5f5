#pragma once

#include "core/cam.h"
#include "cuda/axis.h"

namespace sess::cuda {

/** Outputs [begin, begin + n) of one axis of a resize: output i sums count[i] samples from first[i] on. */
struct TapsTable {
  std::int32_t* first;
  std::int32_t* count;
  float* weights;  // those of output i from i * stride on
  int stride;
};

/** The weights of one output (SEMANTICS 2), in double. */
struct MakeTaps {
  std::int64_t nIn, nOut, begin;
  bool triangle;
  TapsTable taps;

  SESS_HD void operator()(std::int64_t i) const {
    float* const weights = taps.weights + i * taps.stride;
    if (triangle) {
      const Triangle t = antialiasTriangle(begin + i, nIn, nOut);
      taps.first[i] = static_cast<std::int32_t>(t.first);
      taps.count[i] = static_cast<std::int32_t>(t.last - t.first);
      double sum = 0.0;
      for (std::int64_t j = t.first; j < t.last; ++j) sum += t.weight(j);
      for (std::int64_t j = t.first; j < t.last; ++j) weights[j - t.first] = static_cast<float>(t.weight(j) / sum);
    } else {
      const Position p = bilinearPosition(begin + i, nIn, nOut);
      const bool single = p.fraction == 0.0 || p.left < 0 || p.left >= nIn - 1;
      taps.first[i] = static_cast<std::int32_t>(clampIndex(p.left, nIn));
      taps.count[i] = single ? 1 : 2;
      weights[0] = single ? 1.0F : static_cast<float>(1.0 - p.fraction);
      if (!single) weights[1] = static_cast<float>(p.fraction);
    }
  }
};

template <class Launcher>
TapsTable makeTaps(Launcher& launch, std::int64_t nIn, std::int64_t nOut, std::int64_t begin, std::int64_t n,
                   Filter filter) {
  const bool triangle = filter == Filter::antialias && nOut < nIn;
  const int stride = triangle ? coordinate(2 * ceilDiv(nIn, nOut) + 2) : 2;
  const TapsTable taps{.first = launch.template workspace<std::int32_t>(n),
                       .count = launch.template workspace<std::int32_t>(n),
                       .weights = launch.template workspace<float>(n * stride),
                       .stride = stride};
  launch.threads(n, MakeTaps{nIn, nOut, begin, triangle, taps});
  return taps;
}

/** What the windows of a level have in common. Tables begin at level pixel (top, left). */
struct Resized {
  const std::uint8_t* photo;
  int photoHeight, photoWidth, top, left;
  TapsTable columns;
  int channels[3];
  float scale[3], bias[3];
  int height, width;            // of a window
  const std::int32_t* origins;  // y, x of each in level pixels
  float* out;                   // windows x 3 x height x width

  [[nodiscard]] SESS_HD float* plane(std::int64_t window, int c) const {
    return out + (window * 3 + c) * height * width;
  }
};

/**
 * Part of a row of a window, where rows shrink or stay: photo rows are blended from their bytes into shared memory
 * first, a stretch of photo columns at a time, so that few samples are left for the horizontal sums.
 */
struct ShrinkRow {
  static constexpr int kColumns = 128, kSource = 1024;  // outputs of a team; photo columns of a stretch
  static constexpr std::size_t kShared = sharedBytes<float>(3 * kSource) + sharedBytes<float>(3 * kColumns);

  Resized to;
  TapsTable rows;
  int across;  // teams side by side
  bool words;  // photo rows begin at multiples of four bytes

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const int x0 = static_cast<int>(block % across) * kColumns, y = static_cast<int>(block / across % to.height);
    const std::int64_t window = block / across / to.height;
    const int columns = least(kColumns, to.width - x0);
    const int row = to.origins[2 * window] - to.top + y, column = to.origins[2 * window + 1] - to.left + x0;
    float* const line = team.template array<float>(3 * kSource);
    float* const sums = team.template array<float>(3 * kColumns);
    team.each(3 * columns, [&](int i) { sums[i] = 0.0F; });
    const int last = column + columns - 1, end = to.columns.first[last] + to.columns.count[last];
    for (int from = to.columns.first[column] & ~3; from < end; from += kSource) {
      const int until = least(end, from + kSource);
      blendRows(team, row, from, until, line);
      team.each(3 * columns, [&](int i) { sums[i] = sumOn(sums[i], line, column + i / 3, i % 3, from, until); });
    }
    team.each(3 * columns, [&](int i) {
      const int c = i / columns, x = i % columns;
      to.plane(window, c)[static_cast<std::int64_t>(y) * to.width + x0 + x] =
          sums[3 * x + to.channels[c]] * to.scale[c] + to.bias[c];
    });
  }

 private:
  /** Photo columns [from, until), interleaved: the rows behind table row `row`, four samples of a thread. */
  template <class Team>
  SESS_HD void blendRows(Team& team, int row, int from, int until, float* line) const {
    const std::int64_t stride = static_cast<std::int64_t>(to.photoWidth) * 3;
    const std::uint8_t* const first = to.photo + rows.first[row] * stride + static_cast<std::int64_t>(from) * 3;
    const float* const weights = rows.weights + static_cast<std::int64_t>(row) * rows.stride;
    const int n = (until - from) * 3, taps = rows.count[row];
    team.each((n + 3) / 4, [&](int i) {
      Float4 sum{};
      for (int t = 0; t < taps; ++t) {
        const std::uint8_t* const p = first + t * stride + 4 * i;
        const Byte4 bytes = words ? loadAligned<Byte4>(p) : few(p, least(4, n - 4 * i));
        for (int k = 0; k < 4; ++k) sum.at[k] += weights[t] * static_cast<float>(bytes.at[k]);
      }
      storeAligned(line + 4 * i, sum);
    });
  }

  SESS_HD static Byte4 few(const std::uint8_t* p, int n) {
    Byte4 bytes{};
    for (int k = 0; k < n; ++k) bytes.at[k] = p[k];
    return bytes;
  }

  /** `sum`, and on it what photo columns [from, until) have of a table column. */
  [[nodiscard]] SESS_HD float sumOn(float sum, const float* line, int column, int c, int from, int until) const {
    const int first = to.columns.first[column], last = first + to.columns.count[column];
    const float* const weights = to.columns.weights + static_cast<std::int64_t>(column) * to.columns.stride;
    for (int j = most(first, from); j < least(last, until); ++j) sum += weights[j - first] * line[3 * (j - from) + c];
    return sum;
  }
};

/** One pixel of a window, where rows grow: a lerp between two photo rows that went through the horizontal sums. */
struct GrowPixel {
  Resized to;
  const AxisAt* rows;

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t pixels = static_cast<std::int64_t>(to.height) * to.width, window = i / pixels;
    const auto pixel = static_cast<int>(i % pixels);
    const int y = pixel / to.width, x = pixel % to.width;
    const AxisAt row = rows[to.origins[2 * window] - to.top + y];
    const int column = to.origins[2 * window + 1] - to.left + x;
    const std::int64_t upper = clampIndex(row.left, to.photoHeight), lower = clampIndex(row.left + 1, to.photoHeight);
    for (int c = 0; c < 3; ++c) {
      to.plane(window, c)[pixel] = lerp(value(upper, column, c), value(lower, column, c), row.fraction);
    }
  }

 private:
  [[nodiscard]] SESS_HD float value(std::int64_t row, int column, int c) const {
    const int first = to.columns.first[column], count = to.columns.count[column];
    const float* const weights = to.columns.weights + static_cast<std::int64_t>(column) * to.columns.stride;
    const std::uint8_t* const p = to.photo + (row * to.photoWidth + first) * 3 + to.channels[c];
    float sum = 0.0F;
    for (int t = 0; t < count; ++t) sum += weights[t] * static_cast<float>(p[3 * t]);
    return sum * to.scale[c] + to.bias[c];
  }
};

/** Windows of one level straight from the photo, preprocessed, into `out`. */
template <class Launcher>
void resizeWindows(Launcher& launch, const PyramidArgs& args, Size window, std::span<const std::int32_t> origins,
                   float* out) {
  const auto windows = static_cast<std::int64_t>(origins.size() / 2);
  if (windows == 0) return;
  std::int32_t top = origins[0], left = origins[1], bottom = top, right = left;
  for (std::size_t i = 0; i < origins.size(); i += 2) {
    top = std::min(top, origins[i]);
    bottom = std::max(bottom, origins[i]);
    left = std::min(left, origins[i + 1]);
    right = std::max(right, origins[i + 1]);
  }
  const std::int64_t height = bottom + window.height - top, width = right + window.width - left;
  Resized to{.photo = args.photo,
             .photoHeight = coordinate(args.photoSize.height),
             .photoWidth = coordinate(args.photoSize.width),
             .top = top,
             .left = left,
             .columns = makeTaps(launch, args.photoSize.width, args.level.width, left, width, args.filter),
             .channels = {args.channels[0], args.channels[1], args.channels[2]},
             .scale = {args.scale[0], args.scale[1], args.scale[2]},
             .bias = {args.bias[0], args.bias[1], args.bias[2]},
             .height = coordinate(window.height),
             .width = coordinate(window.width),
             .origins = launch.upload(origins),
             .out = out};
  if (args.level.height <= args.photoSize.height) {
    const auto across = static_cast<int>(ceilDiv(window.width, ShrinkRow::kColumns));
    const TapsTable rows = makeTaps(launch, args.photoSize.height, args.level.height, top, height, args.filter);
    const bool words = suits<Byte4>(args.photo, args.photoSize.width * 3);
    launch.blocks(windows * window.height * across, ShrinkRow::kShared, ShrinkRow{to, rows, across, words});
  } else {
    AxisTables axes;
    axes.add(args.photoSize.height, args.level.height, top, height);
    (void)coordinate(window.height * window.width);
    launch.threads(windows * window.height * window.width, GrowPixel{to, axes.make(launch)});
  }
}

}  // namespace sess::cuda

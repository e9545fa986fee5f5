#pragma once

#include "cuda/peak.h"

namespace sess::cuda {

/** One pixel of one map: the mean of the squares that cover it, in their order, in double. */
struct OcclusionMean {
  const float* weights;
  const Point* squares;
  int count, squareHeight, squareWidth;
  const std::int32_t* rows;
  int width;
  std::int64_t pixels;
  float* maps;

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t row = i / pixels;
    const auto pixel = static_cast<int>(i % pixels);
    double sum = 0.0, covering = 0.0;
    for (int s = 0; s < count; ++s) {
      const int y = pixel / width - squares[s].y, x = pixel % width - squares[s].x;
      if (y < 0 || y >= squareHeight || x < 0 || x >= squareWidth) continue;
      sum += static_cast<double>(weights[row * count + s]);
      covering += 1.0;
    }
    maps[rows[row] * pixels + pixel] = covering > 0.0 ? static_cast<float>(sum / covering) : 0.0F;
  }
};

template <class Launcher>
void occlusionReduce(Launcher& launch, const OcclusionReduceArgs& args) {
  const auto maps = static_cast<std::int64_t>(args.rows.size());
  const std::int64_t pixels = args.size.height * args.size.width;
  const std::int32_t* rows = launch.upload(args.rows);
  launch.threads(maps * pixels, OcclusionMean{.weights = args.weights,
                                              .squares = launch.upload(args.squares),
                                              .count = static_cast<int>(args.squares.size()),
                                              .squareHeight = coordinate(args.square.height),
                                              .squareWidth = coordinate(args.square.width),
                                              .rows = rows,
                                              .width = coordinate(args.size.width),
                                              .pixels = pixels,
                                              .maps = args.maps});
  launch.blocks(maps, MapPeak::kShared, MapPeak{args.maps, rows, args.peaks, coordinate(pixels)});
}

}  // namespace sess::cuda

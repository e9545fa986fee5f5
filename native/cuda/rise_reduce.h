#pragma once

#include "cuda/peak.h"
#include "cuda/rise.h"

namespace sess::cuda {

/** One pixel of one map: the weighted masks in their order, in double. */
struct RiseSum {
  const float* weights;
  std::int64_t count;
  const std::int32_t* rows;
  RiseTables masks;
  int width;
  std::int64_t pixels;
  double scale;
  float* maps;

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t row = i / pixels;
    const auto pixel = static_cast<int>(i % pixels);
    double sum = 0.0;
    for (std::int64_t m = 0; m < count; ++m) {
      sum += static_cast<double>(weights[row * count + m]) * masks.at<double>(m, pixel / width, pixel % width);
    }
    maps[rows[row] * pixels + pixel] = static_cast<float>(sum / scale);
  }
};

template <class Launcher>
void riseReduce(Launcher& launch, const RiseReduceArgs& args) {
  const auto count = static_cast<std::int64_t>(args.rows.size());
  if (count == 0) return;
  const std::int64_t pixels = args.size.height * args.size.width;
  const std::int32_t* rows = launch.upload(args.rows);
  launch.threads(count * pixels, RiseSum{.weights = args.weights,
                                         .count = args.count,
                                         .rows = rows,
                                         .masks = makeRiseMasks(launch, args.masks, args.size, args.count, nullptr),
                                         .width = coordinate(args.size.width),
                                         .pixels = pixels,
                                         .scale = static_cast<double>(args.count) * args.masks.keep,
                                         .maps = args.maps});
  launch.blocks(count, MapPeak::kShared, MapPeak{args.maps, rows, args.peaks, coordinate(pixels)});
}

}  // namespace sess::cuda

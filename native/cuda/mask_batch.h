#pragma once

#include <vector>

#include "cuda/copies.h"
#include "cuda/upsample.h"

namespace sess::cuda {

/** Some rows of one copy under its channel's mask; a flat channel masks everything. */
struct MaskRows {
  CopiedImages to;
  const Copy* copies;
  const float* features;
  const std::int32_t* grids;  // of each copy, among the features
  const Range* ranges;
  Surface surface;
  int parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t k = block / parts;
    const int y = static_cast<int>(block % parts) * kCopiedRows, rows = least(kCopiedRows, to.height - y);
    const float* const grid = features + grids[k] * surface.elements();
    const Range range = ranges[k];
    const std::int32_t row = copies[k].row;
    team.each(rows * to.width, [&](int i) {
      const float mask = range.flat() ? 0.0F : surface.at(grid, range, y + i / to.width, i % to.width);
      to.write(k, row, static_cast<std::int64_t>(y) * to.width + i, mask);
    });
  }
};

template <class Launcher>
void maskBatch(Launcher& launch, const MaskBatchArgs& args) {
  const auto copies = static_cast<std::int64_t>(args.copies.size());
  if (copies == 0) return;
  std::vector<std::int32_t> places;
  for (const Copy& copy : args.copies) places.push_back(coordinate(copy.row * args.channels + copy.what));
  AxisTables axes;
  const SurfaceTables tables(axes, args.grid, args.images.size);
  const Surface surface = tables.on(axes.make(launch));
  const std::int32_t* grids = launch.upload(std::span<const std::int32_t>(places));
  Range* ranges = launch.template workspace<Range>(copies);
  const auto parts = static_cast<int>(ceilDiv(args.images.size.height, kCopiedRows));
  launch.blocks(copies, MapRange::kShared, MapRange{args.features, grids, surface, false, ranges});
  launch.blocks(copies * parts, 0,
                MaskRows{.to = copiedImages(args.images, args.background, args.out),
                         .copies = launch.upload(args.copies),
                         .features = args.features,
                         .grids = grids,
                         .ranges = ranges,
                         .surface = surface,
                         .parts = parts});
}

}  // namespace sess::cuda

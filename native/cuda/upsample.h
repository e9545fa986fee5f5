#pragma once

#include "cuda/surface.h"

namespace sess::cuda {

struct MapRange {
  static constexpr std::size_t kShared = sharedBytes<Bounds>(kThreads);

  const float* maps;
  const std::int32_t* rows;
  Surface surface;
  bool rectify;
  Range* ranges;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t map) const {
    const float* const grid = maps + rows[map] * surface.elements();
    const Range range = surface.range(team, team.template array<Bounds>(kThreads), grid, rectify);
    team.each(1, [&](int) { ranges[map] = range; });
  }
};

/** Some rows of one map. */
struct UpsampleRows {
  static constexpr int kRows = 16;

  const float* maps;
  const std::int32_t* rows;
  Surface surface;
  const Range* ranges;
  float* out;
  int parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t map = block / parts;
    const int y = static_cast<int>(block % parts) * kRows, width = surface.width;
    const float* const grid = maps + rows[map] * surface.elements();
    float* const to = out + (map * surface.height + y) * width;
    const Range range = ranges[map];
    team.each(least(kRows, surface.height - y) * width,
              [&](int i) { to[i] = range.flat() ? 0.0F : surface.at(grid, range, y + i / width, i % width); });
  }
};

template <class Launcher>
void upsample(Launcher& launch, const UpsampleArgs& args) {
  const auto maps = static_cast<std::int64_t>(args.rows.size());
  if (maps == 0) return;
  AxisTables axes;
  const SurfaceTables tables(axes, args.grid, args.window);
  const Surface surface = tables.on(axes.make(launch));
  const std::int32_t* rows = launch.upload(args.rows);
  Range* ranges = launch.template workspace<Range>(maps);
  const auto parts = static_cast<int>(ceilDiv(args.window.height, UpsampleRows::kRows));
  launch.blocks(maps, MapRange::kShared, MapRange{args.maps, rows, surface, args.rectify, ranges});
  launch.blocks(maps * parts, 0, UpsampleRows{args.maps, rows, surface, ranges, args.out, parts});
}

}  // namespace sess::cuda

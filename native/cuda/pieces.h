#pragma once

#include <vector>

#include "cuda/surface.h"

namespace sess::cuda {

/** Photo pixels that a window can touch: [top, bottom) x [left, right); empty where it adds nothing. */
struct Footprint {
  std::int32_t top, bottom, left, right;
};

/** A level as the photo reads it. */
struct LevelAxes {
  int height, width;
  const AxisAt* rows;
  const AxisAt* columns;
};

/** A window's share in a fusion. */
struct Piece {
  Range range;
  float weight;
  PlacedWindow place;
};

/** One window: its map's range and its footprint. */
struct MakePiece {
  static constexpr std::size_t kShared = sharedBytes<Bounds>(kThreads);

  const float* maps;
  const PlacedWindow* windows;
  const float* weights;
  const LevelAxes* levels;
  Surface surface;
  int photoHeight, photoWidth;
  bool rectify;
  Piece* pieces;
  Footprint* footprints;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t k) const {
    const PlacedWindow place = windows[k];
    const LevelAxes level = levels[place.level];
    auto* const shared = team.template array<Bounds>(kThreads);
    Range range{0.0F, 0.0F};
    if (weights[k] > 0.0F) range = surface.range(team, shared, maps + place.row * surface.elements(), rectify);
    team.each(1, [&](int) {
      // Pixels one of whose neighbours lies in the window; clamped neighbours included.
      const auto touching = [](std::int64_t at, std::int64_t nIn, std::int64_t nOut) {
        return static_cast<std::int32_t>(firstReading(at, nIn, nOut));
      };
      pieces[k] = {range, weights[k], place};
      footprints[k] = range.flat() ? Footprint{0, 0, 0, 0}
                                   : Footprint{touching(place.y - 1, level.height, photoHeight),
                                               touching(place.y + surface.height, level.height, photoHeight),
                                               touching(place.x - 1, level.width, photoWidth),
                                               touching(place.x + surface.width, level.width, photoWidth)};
    });
  }
};

/** The windows of a fusion on the device, in their order. */
struct Pieces {
  const float* maps;
  Surface surface;
  const LevelAxes* levels;
  const Piece* pieces;
  const Footprint* footprints;
  int count;
};

template <class Launcher>
Pieces makePieces(Launcher& launch, const FuseArgs& args) {
  const Size photo = args.photoSize;
  AxisTables axes;
  const SurfaceTables tables(axes, args.grid, args.window);
  std::vector<std::int64_t> rows, columns;
  for (const Size level : args.levels) {
    rows.push_back(axes.add(level.height, photo.height, 0, photo.height));
    columns.push_back(axes.add(level.width, photo.width, 0, photo.width));
  }
  const AxisAt* entries = axes.make(launch);
  std::vector<LevelAxes> levels;
  for (std::size_t l = 0; l < rows.size(); ++l) {
    levels.push_back(
        {coordinate(args.levels[l].height), coordinate(args.levels[l].width), entries + rows[l], entries + columns[l]});
  }
  const auto count = static_cast<std::int64_t>(args.windows.size());
  Piece* pieces = launch.template workspace<Piece>(count);
  Footprint* footprints = launch.template workspace<Footprint>(count);
  const Pieces made{.maps = args.maps,
                    .surface = tables.on(entries),
                    .levels = launch.upload(std::span<const LevelAxes>(levels)),
                    .pieces = pieces,
                    .footprints = footprints,
                    .count = coordinate(count)};
  launch.blocks(count, MakePiece::kShared,
                MakePiece{.maps = args.maps,
                          .windows = launch.upload(args.windows),
                          .weights = launch.upload(args.weights),
                          .levels = made.levels,
                          .surface = made.surface,
                          .photoHeight = coordinate(photo.height),
                          .photoWidth = coordinate(photo.width),
                          .rectify = args.rectify,
                          .pieces = pieces,
                          .footprints = footprints});
  return made;
}

}  // namespace sess::cuda

#pragma once

#include "cuda/copies.h"

namespace sess::cuda {

/** Some rows of one copy without its square. */
struct OccludeRows {
  CopiedImages to;
  const PlacedSquare* squares;
  int height, width;  // of a square
  int parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t k = block / parts, pixels = static_cast<std::int64_t>(to.height) * to.width;
    const int y0 = static_cast<int>(block % parts) * kCopiedRows, rows = least(kCopiedRows, to.height - y0);
    const PlacedSquare square = squares[k];
    const float* const from = to.images + square.row * 3 * pixels;
    float* const out = to.out + k * 3 * pixels;
    team.each(rows * to.width, [&](int i) {
      const int y = y0 + i / to.width - square.y, x = i % to.width - square.x;
      const bool covered = y >= 0 && y < height && x >= 0 && x < width;
      for (int c = 0; c < 3; ++c) {
        const std::int64_t pixel = static_cast<std::int64_t>(y0) * to.width + i;
        const std::int64_t at = to.planar ? c * pixels + pixel : 3 * pixel + c;
        out[at] = covered ? 0.0F : from[at];
      }
    });
  }
};

template <class Launcher>
void occlude(Launcher& launch, const OccludeArgs& args) {
  const auto parts = static_cast<int>(ceilDiv(args.images.size.height, kCopiedRows));
  launch.blocks(static_cast<std::int64_t>(args.squares.size()) * parts, 0,
                OccludeRows{.to = copiedImages(args.images, nullptr, args.out),
                            .squares = launch.upload(args.squares),
                            .height = coordinate(args.square.height),
                            .width = coordinate(args.square.width),
                            .parts = parts});
}

}  // namespace sess::cuda

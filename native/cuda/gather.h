#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** Rows of one plane of a window, kStep floats at a time. */
template <int kStep>
struct CopyRows {
  static constexpr int kRows = 32;

  const float* band;
  const std::int32_t* origins;
  float* out;
  int bandHeight, bandWidth, height, width, parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const auto part = static_cast<int>(block % parts), plane = static_cast<int>(block / parts % 3);
    const std::int64_t window = block / parts / 3;
    const int y = part * kRows, rows = least(kRows, height - y), steps = width / kStep;
    const std::int64_t top = static_cast<std::int64_t>(plane) * bandHeight + origins[2 * window] + y;
    const float* const from = band + top * bandWidth + origins[2 * window + 1];
    float* const to = out + ((window * 3 + plane) * height + y) * width;
    team.each(rows * steps, [&](int i) {
      const int row = i / steps, x = i % steps * kStep;
      const float* p = from + static_cast<std::int64_t>(row) * bandWidth + x;
      float* q = to + static_cast<std::int64_t>(row) * width + x;
      if constexpr (kStep == 4) {
        storeAligned(q, Float4{{p[0], p[1], p[2], p[3]}});
      } else {
        *q = *p;
      }
    });
  }
};

/** Rows of a window with its three channels side by side. */
struct InterleaveRows {
  static constexpr int kRows = 16;

  const float* band;
  const std::int32_t* origins;
  float* out;
  int bandHeight, bandWidth, height, width, parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t window = block / parts, plane = static_cast<std::int64_t>(bandHeight) * bandWidth;
    const int y = static_cast<int>(block % parts) * kRows, rows = least(kRows, height - y), line = 3 * width;
    const std::int64_t top = origins[2 * window] + y;
    const float* const from = band + top * bandWidth + origins[2 * window + 1];
    float* const to = out + (window * height + y) * line;
    team.each(rows * line, [&](int i) {
      const int row = i / line, x = i % line;
      to[i] = from[x % 3 * plane + static_cast<std::int64_t>(row) * bandWidth + x / 3];
    });
  }
};

template <class Launcher>
void gather(Launcher& launch, const GatherArgs& args) {
  const auto windows = static_cast<std::int64_t>(args.origins.size() / 2);
  if (windows == 0) return;
  const std::int32_t* origins = launch.upload(args.origins);
  const auto rows = [&](auto body, std::int64_t planes) {
    body.band = args.band;
    body.origins = origins;
    body.out = args.out;
    body.bandHeight = coordinate(args.bandSize.height);
    body.bandWidth = coordinate(args.bandSize.width);
    body.height = coordinate(args.window.height);
    body.width = coordinate(args.window.width);
    body.parts = static_cast<int>(ceilDiv(args.window.height, body.kRows));
    launch.blocks(windows * planes * body.parts, 0, body);
  };
  if (args.layout == Layout::nhwc) {
    rows(InterleaveRows{}, 1);
  } else if (suits<Float4>(args.out, args.window.width * static_cast<std::int64_t>(sizeof(float)))) {
    rows(CopyRows<4>{}, 3);
  } else {
    rows(CopyRows<1>{}, 3);
  }
}

}  // namespace sess::cuda

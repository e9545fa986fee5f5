#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** Four pixels: 12 bytes in, 12 out. t = clamp((map - low) / range, 0, 1), 0 for NaN. */
struct TintPixels {
  const std::uint8_t* photo;
  const float* map;
  std::int64_t pixels;
  const std::uint8_t* colors;
  float low, range, alpha;
  bool byValue;
  std::uint8_t* out;
  bool whole;  // addresses suit Float4 and Byte4

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t first = 4 * i;
    if (whole && first + 4 <= pixels) {
      std::uint8_t bytes[12];
      for (int k = 0; k < 12; k += 4) {
        const auto four = loadAligned<Byte4>(photo + 3 * first + k);
        for (int b = 0; b < 4; ++b) bytes[k + b] = four.at[b];
      }
      const auto values = loadAligned<Float4>(map + first);
      for (int p = 0; p < 4; ++p) tint(bytes + 3 * p, values.at[p], bytes + 3 * p);
      for (int k = 0; k < 12; k += 4) {
        storeAligned(out + 3 * first + k, Byte4{{bytes[k], bytes[k + 1], bytes[k + 2], bytes[k + 3]}});
      }
      return;
    }
    for (std::int64_t p = first; p < pixels && p < first + 4; ++p) tint(photo + 3 * p, map[p], out + 3 * p);
  }

 private:
  SESS_HD void tint(const std::uint8_t* from, float value, std::uint8_t* to) const {
    float t = (value - low) / range;
    t = t > 0.0F ? t : 0.0F;
    t = t < 1.0F ? t : 1.0F;
    const std::uint8_t* const over = colors + 3 * static_cast<int>(t * 255.0F + 0.5F);
    const float share = byValue ? alpha * t : alpha;
    for (int c = 0; c < 3; ++c) {
      const auto v = static_cast<float>(from[c]);
      to[c] = static_cast<std::uint8_t>(v + share * (static_cast<float>(over[c]) - v) + 0.5F);
    }
  }
};

template <class Launcher>
void overlay(Launcher& launch, const OverlayArgs& args) {
  const bool whole = suits<Byte4>(args.photo) && suits<Byte4>(args.out) && suits<Float4>(args.map);
  launch.threads(ceilDiv(args.pixels, 4),
                 TintPixels{.photo = args.photo,
                            .map = args.map,
                            .pixels = args.pixels,
                            .colors = launch.upload(std::span<const std::uint8_t>(args.colors)),
                            .low = args.low,
                            .range = args.high - args.low,
                            .alpha = args.alpha,
                            .byValue = args.opacity == Opacity::byValue,
                            .out = args.out,
                            .whole = whole});
}

}  // namespace sess::cuda

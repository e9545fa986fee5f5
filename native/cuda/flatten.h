#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** Four pixels: 16 bytes in, 12 out. */
struct FlattenPixels {
  struct alignas(16) Rgba4 {
    std::uint8_t at[16];
  };
  const std::uint8_t* rgba;
  std::uint8_t* rgb;
  std::int64_t pixels;
  bool whole;  // addresses suit Rgba4 and Byte4

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t first = 4 * i;
    if (whole && first + 4 <= pixels) {
      const auto in = loadAligned<Rgba4>(rgba + 4 * first);
      std::uint8_t out[12];
      for (int p = 0; p < 4; ++p) overWhite(in.at + 4 * p, out + 3 * p);
      for (int k = 0; k < 12; k += 4) {
        storeAligned(rgb + 3 * first + k, Byte4{{out[k], out[k + 1], out[k + 2], out[k + 3]}});
      }
      return;
    }
    for (std::int64_t p = first; p < pixels && p < first + 4; ++p) overWhite(rgba + 4 * p, rgb + 3 * p);
  }

 private:
  SESS_HD static void overWhite(const std::uint8_t* from, std::uint8_t* to) {
    const unsigned a = from[3];
    for (int c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>((from[c] * a + 255U * (255U - a) + 127U) / 255U);
  }
};

template <class Launcher>
void flatten(Launcher& launch, const FlattenArgs& args) {
  const bool whole = suits<FlattenPixels::Rgba4>(args.rgba) && suits<Byte4>(args.rgb);
  launch.threads(ceilDiv(args.pixels, 4), FlattenPixels{args.rgba, args.rgb, args.pixels, whole});
}

}  // namespace sess::cuda

#pragma once

#include "core/cam.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** Images of 3 channels and the copies that are made of them. */
struct CopiedImages {
  const float* images;
  const float* background;  // null: zeros
  float* out;
  int height, width;
  bool planar;

  /** `x * mask + background * (1 - mask)` at a pixel of image `row`, into copy `copy`. */
  SESS_HD void write(std::int64_t copy, std::int64_t row, std::int64_t pixel, float mask) const {
    const std::int64_t pixels = static_cast<std::int64_t>(height) * width;
    for (int c = 0; c < 3; ++c) {
      const std::int64_t at = planar ? c * pixels + pixel : 3 * pixel + c;
      const std::int64_t from = row * 3 * pixels + at;
      out[copy * 3 * pixels + at] =
          background == nullptr ? images[from] * mask : mixed(images[from], background[from], mask);
    }
  }
};

inline CopiedImages copiedImages(const Images& images, const float* background, float* out) {
  return {.images = images.data,
          .background = background,
          .out = out,
          .height = coordinate(images.size.height),
          .width = coordinate(images.size.width),
          .planar = images.layout == Layout::nchw};
}

/** Rows of an image that a team takes. */
inline constexpr int kCopiedRows = 16;

}  // namespace sess::cuda

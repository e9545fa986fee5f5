#pragma once

#include <cstdint>

#include "core/ops.h"
#include "cpu/kernels.h"

namespace sess::cpu {

/** Writes copies of images under masks, a row of pixels at a time. */
class MaskedRows {
 public:
  /** `background`: as `images`; null: zeros. */
  MaskedRows(const Kernels& kernels, const Images& images, const float* background, float* out)
      : kernels_(kernels), images_(images), background_(background), out_(out) {}

  /** Floats of `working` in `write`. */
  [[nodiscard]] std::int64_t workingFloats() const { return images_.layout == Layout::nhwc ? 3 * width() : 0; }
  /** Row `y` of copy `copy`, of image `row`, under the values of `mask`: one for each pixel of the row. */
  void write(std::int64_t copy, std::int64_t row, std::int64_t y, const float* mask, float* working) const;

 private:
  [[nodiscard]] std::int64_t width() const { return images_.size.width; }
  void run(std::int64_t from, std::int64_t to, const float* mask, std::int64_t n) const;

  const Kernels& kernels_;
  Images images_;
  const float* background_;
  float* out_;
};

}  // namespace sess::cpu

#include "cpu/masked_rows.h"

namespace sess::cpu {

void MaskedRows::write(std::int64_t copy, std::int64_t row, std::int64_t y, const float* mask, float* working) const {
  const std::int64_t plane = images_.size.height * width(), from = row * 3 * plane, to = copy * 3 * plane;
  if (images_.layout == Layout::nchw) {
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::int64_t at = c * plane + y * width();
      run(from + at, to + at, mask, width());
    }
    return;
  }
  for (std::int64_t x = 0; x < width(); ++x) {
    for (std::int64_t c = 0; c < 3; ++c) working[3 * x + c] = mask[x];
  }
  const std::int64_t at = 3 * y * width();
  run(from + at, to + at, working, 3 * width());
}

void MaskedRows::run(std::int64_t from, std::int64_t to, const float* mask, std::int64_t n) const {
  if (background_ == nullptr) {
    kernels_.maskRun(images_.data + from, mask, n, out_ + to);
  } else {
    kernels_.mixRun(images_.data + from, background_ + from, mask, n, out_ + to);
  }
}

}  // namespace sess::cpu

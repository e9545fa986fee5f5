#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

constexpr double kRank = 0.99;  // of the percentile that becomes 1

/** q = sum over channels of |G|, in double: where it hardly varies, float32 would round its whole range away. */
void absoluteSums(const float* gradients, std::int64_t channels, std::int64_t pixels, Layout layout, double* q) {
  if (layout == Layout::nhwc) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      const float* g = gradients + p * channels;
      double sum = 0.0;
      for (std::int64_t c = 0; c < channels; ++c) sum += static_cast<double>(std::fabs(g[c]));
      q[p] = sum;
    }
    return;
  }
  std::fill_n(q, pixels, 0.0);
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* g = gradients + c * pixels;
    for (std::int64_t p = 0; p < pixels; ++p) q[p] += static_cast<double>(std::fabs(g[p]));
  }
}

/** The order of non-negative doubles is that of their upper bits: 2 of the mantissa here. */
constexpr std::size_t kBuckets = 1U << 13;
std::size_t bucketOf(double q) { return std::bit_cast<std::uint64_t>(q) >> 50; }

/**
 * The percentile of numpy: linear between the two order statistics around (n - 1) * kRank. `top`: room for n. Only
 * the bucket of the lower one and those above are put in order, a small part of the whole.
 */
double percentile(const double* q, std::int64_t n, double* top) {
  const double place = static_cast<double>(n - 1) * kRank;
  const auto rank = static_cast<std::int64_t>(place);
  std::array<std::int64_t, kBuckets> counts{};
  for (std::int64_t i = 0; i < n; ++i) ++counts[bucketOf(q[i])];
  std::size_t bucket = 0;
  std::int64_t below = 0;
  while (below + counts[bucket] <= rank) below += counts[bucket++];
  double* const end = std::copy_if(q, q + n, top, [&](double v) { return bucketOf(v) >= bucket; });
  double* const lower = top + (rank - below);
  std::nth_element(top, lower, end);
  const double upper = lower + 1 < end ? *std::min_element(lower + 1, end) : *lower;
  const double fraction = place - static_cast<double>(rank), step = upper - *lower;
  return fraction < 0.5 ? *lower + step * fraction : upper - step * (1.0 - fraction);  // as numpy rounds
}

/** The map of one image; its maximum, NaN where a gradient is not finite. */
float greyMap(const double* q, std::int64_t pixels, double* top, float* map) {
  const bool finite = std::all_of(q, q + pixels, [](double v) { return v <= std::numeric_limits<double>::max(); });
  if (!finite) {
    std::fill_n(map, pixels, 0.0F);
    return std::numeric_limits<float>::quiet_NaN();
  }
  const double lo = *std::min_element(q, q + pixels), hi = percentile(q, pixels, top);
  if (!(hi > lo)) {
    std::fill_n(map, pixels, 0.0F);
    return 0.0F;
  }
  for (std::int64_t p = 0; p < pixels; ++p) map[p] = static_cast<float>(std::min((q[p] - lo) / (hi - lo), 1.0));
  return *std::max_element(map, map + pixels);
}

}  // namespace

void grey(const Context& context, const GreyArgs& args) {
  const std::int64_t pixels = args.size.height * args.size.width;
  const auto images = static_cast<std::int64_t>(args.rows.size());
  context.pool.parallelFor(images, context.cancel, [&](std::int64_t image, Scratch& scratch) {
    const std::int64_t place = args.rows[index(image)];
    double* q = scratch.of<double>(2 * pixels);
    absoluteSums(args.gradients + image * args.channels * pixels, args.channels, pixels, args.layout, q);
    args.peaks[place] = greyMap(q, pixels, q + pixels, args.maps + place * pixels);
  });
}

}  // namespace sess::cpu

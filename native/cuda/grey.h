#pragma once

#include <cmath>

#include "cuda/reduce.h"

namespace sess::cuda {

SESS_HD_INLINE std::uint64_t bitsOf(double v) {
  std::uint64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

/**
 * The grey map of one image. The percentile is found by its bits, eight at a time from the top (radix select): the
 * order of numbers that are not negative is that of their bits.
 */
struct GreyImage {
  static constexpr int kBuckets = 256, kDigits = 8;
  static constexpr double kRank = 0.99;  // of the percentile that becomes 1
  static constexpr std::size_t kShared = sharedBytes<double>(kThreads) + sharedBytes<int>(kBuckets);

  const float* gradients;
  const std::int32_t* rows;
  int channels, pixels;
  bool planar;
  double* sums;  // images x pixels
  float* maps;
  float* peaks;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t image) const {
    auto* const shared = team.template array<double>(kThreads);
    auto* const counts = team.template array<int>(kBuckets);
    double* const q = sums + image * pixels;
    float* const map = maps + static_cast<std::int64_t>(rows[image]) * pixels;
    team.each(pixels, [&](int p) { q[p] = absoluteSum(image, p); });
    const auto smaller = [](double a, double b) { return b < a ? b : a; };
    const auto at = [&](int p) { return q[p]; };
    // A sum that is not finite makes this NaN, and else 0.
    const double fault = reduce(
        team, shared, pixels, 0.0, [&](int p) { return q[p] * 0.0; }, [](double a, double b) { return a + b; });
    if (fault != 0.0) {
      fill(team, image, map, __builtin_nanf(""));
      return;
    }
    const double lo = reduce(team, shared, pixels, q[0], at, smaller), hi = percentile(team, shared, counts, q);
    if (!(hi > lo)) {
      fill(team, image, map, 0.0F);
      return;
    }
    team.each(pixels, [&](int p) {
      const double v = (q[p] - lo) / (hi - lo);
      map[p] = static_cast<float>(v < 1.0 ? v : 1.0);
    });
    const double peak = reduce(
        team, shared, pixels, 0.0, [&](int p) { return static_cast<double>(map[p]); },
        [](double a, double b) { return b > a ? b : a; });
    team.each(1, [&](int) { peaks[rows[image]] = static_cast<float>(peak); });
  }

 private:
  /** In double: where it hardly varies, float32 would round its whole range away. */
  [[nodiscard]] SESS_HD double absoluteSum(std::int64_t image, int p) const {
    const float* const g = gradients + image * channels * pixels;
    const std::int64_t first = planar ? p : static_cast<std::int64_t>(p) * channels, step = planar ? pixels : 1;
    double sum = 0.0;
    for (int c = 0; c < channels; ++c) sum += static_cast<double>(std::fabs(g[first + c * step]));
    return sum;
  }

  template <class Team>
  SESS_HD void fill(Team& team, std::int64_t image, float* map, float peak) const {
    team.each(pixels, [&](int p) { map[p] = 0.0F; });
    team.each(1, [&](int) { peaks[rows[image]] = peak; });
  }

  /** The number of this rank, from 0 on, in the order of size. */
  template <class Team>
  SESS_HD double ranked(Team& team, int* counts, const double* q, int rank) const {
    std::uint64_t found = 0;
    for (int digit = kDigits - 1; digit >= 0; --digit) {
      const int shift = 8 * digit;
      team.each(kBuckets, [&](int b) { counts[b] = 0; });
      team.each(pixels, [&](int p) {
        const std::uint64_t bits = bitsOf(q[p]);
        // Shifted twice: a shift by 64 has no meaning.
        if (bits >> shift >> 8 == found >> shift >> 8) team.count(counts + (bits >> shift & 255U));
      });
      int bucket = 0;
      for (; rank >= counts[bucket]; ++bucket) rank -= counts[bucket];
      found |= static_cast<std::uint64_t>(bucket) << shift;
      team.sync();  // before the counts begin anew
    }
    double value;
    std::memcpy(&value, &found, sizeof value);
    return value;
  }

  /** As numpy: linear between the two order statistics around (n - 1) * kRank. */
  template <class Team>
  SESS_HD double percentile(Team& team, double* shared, int* counts, const double* q) const {
    const double place = static_cast<double>(pixels - 1) * kRank;
    const int rank = static_cast<int>(place);
    const double lower = ranked(team, counts, q, rank);
    const double upper = rank + 1 < pixels ? next(team, shared, q, lower, rank) : lower;
    const double fraction = place - static_cast<double>(rank), step = upper - lower;
    return fraction < 0.5 ? lower + step * fraction : upper - step * (1.0 - fraction);
  }

  /** The order statistic after `lower`, which has rank `rank`. */
  template <class Team>
  SESS_HD double next(Team& team, double* shared, const double* q, double lower, int rank) const {
    const double within = reduce(
        team, shared, pixels, 0.0, [&](int p) { return q[p] <= lower ? 1.0 : 0.0; },
        [](double a, double b) { return a + b; });
    if (within > static_cast<double>(rank) + 1.0) return lower;
    return reduce(
        team, shared, pixels, __builtin_huge_val(), [&](int p) { return q[p] > lower ? q[p] : __builtin_huge_val(); },
        [](double a, double b) { return b < a ? b : a; });
  }
};

template <class Launcher>
void grey(Launcher& launch, const GreyArgs& args) {
  const auto images = static_cast<std::int64_t>(args.rows.size());
  const int pixels = coordinate(args.size.height * args.size.width);
  launch.blocks(images, GreyImage::kShared,
                GreyImage{.gradients = args.gradients,
                          .rows = launch.upload(args.rows),
                          .channels = coordinate(args.channels),
                          .pixels = pixels,
                          .planar = args.layout == Layout::nchw,
                          .sums = launch.template workspace<double>(images * pixels),
                          .maps = args.maps,
                          .peaks = args.peaks});
}

}  // namespace sess::cuda

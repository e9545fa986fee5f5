#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace sess::bench {

/** How close two maps have to be. */
struct Tolerance {
  double close;  // share of the pixels within 1e-3, at least
  double mean;   // of the absolute difference, less than this
};

/** Any share of the pixels; the mean of the difference less than `share` of the map's own. */
inline Tolerance ofOwnMean(std::span<const float> map, double share) {
  double sum = 0.0;
  for (const float value : map) sum += static_cast<double>(value);
  return {0.0, share * sum / static_cast<double>(map.size())};
}

/** How far two maps of one size are apart; NaN is apart from everything. */
struct Difference {
  double close, mean, largest;

  [[nodiscard]] bool holds(const Tolerance& tolerance) const {
    return close >= tolerance.close && mean < tolerance.mean;
  }
};

inline Difference differenceOf(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size() || a.empty()) {
    constexpr double kApart = std::numeric_limits<double>::infinity();
    return {0.0, kApart, kApart};
  }
  double close = 0.0, sum = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    close += d <= 1e-3 ? 1.0 : 0.0;
    sum += d;
    largest = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(largest, d);
  }
  const auto count = static_cast<double>(a.size());
  return {close / count, sum / count, largest};
}

}  // namespace sess::bench

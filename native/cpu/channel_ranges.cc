#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

/** The sum of term(0) to term(n - 1), in eight parts that a vector of any width adds alike. */
template <class Term>
double sumOf(std::int64_t n, const Term& term) {
  constexpr std::int64_t kParts = 8;
  std::array<double, kParts> parts{};
  std::int64_t i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (std::int64_t k = 0; k < kParts; ++k) parts[index(k)] += term(i + k);
  }
  for (; i < n; ++i) parts[index(i % kParts)] += term(i);
  double sum = 0.0;
  for (const double part : parts) sum += part;
  return sum;
}

void describe(const Kernels& kernels, const float* values, std::int64_t n, float* range) {
  const auto valueAt = [&](std::int64_t i) { return static_cast<double>(values[i]); };
  const double mean = sumOf(n, valueAt) / static_cast<double>(n);
  if (!std::isfinite(mean)) {
    std::fill_n(range, 3, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  kernels.bounds(values, n, &range[0], &range[1]);
  const auto squareAt = [&](std::int64_t i) { return (valueAt(i) - mean) * (valueAt(i) - mean); };
  range[2] = static_cast<float>(sumOf(n, squareAt) / static_cast<double>(n));
}

}  // namespace

void channelRanges(const Context& context, const ChannelRangesArgs& args) {
  constexpr std::int64_t kTaskSamples = 1 << 16;
  const std::int64_t run = std::max<std::int64_t>(1, kTaskSamples / args.samples);
  context.pool.parallelFor(ceilDiv(args.channels, run), context.cancel, [&](std::int64_t task, Scratch&) {
    for (std::int64_t c = task * run; c < std::min(args.channels, (task + 1) * run); ++c) {
      describe(context.kernels, args.features + c * args.samples, args.samples, args.ranges + 3 * c);
    }
  });
}

}  // namespace sess::cpu

#include "bench/gpu/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace sess::bench {
namespace {

constexpr double kLeastWeight = 1e-30;

/** Which windows the pre-filter drops: the lowest share of those with finite logits, ties by index. */
std::vector<bool> droppedOf(std::span<const double> logProbability, double preFilter) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < logProbability.size(); ++i) {
    if (!std::isnan(logProbability[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::exp(logProbability[a]) < std::exp(logProbability[b]);
  });
  std::vector<bool> dropped(logProbability.size(), false);
  if (order.empty()) return dropped;
  const auto share = static_cast<std::size_t>(std::floor(static_cast<double>(order.size()) * preFilter));
  for (std::size_t k = 0; k < std::min(share, order.size() - 1); ++k) dropped[order[k]] = true;
  return dropped;
}

}  // namespace

Weighed weigh(std::span<const double> logProbability, std::span<const float> peaks, double preFilter) {
  double best = -std::numeric_limits<double>::infinity();
  for (const double value : logProbability) best = value > best ? value : best;
  const std::vector<bool> dropped = droppedOf(logProbability, preFilter);
  Weighed result;
  for (std::size_t i = 0; i < logProbability.size(); ++i) {
    if (dropped[i] || std::isnan(logProbability[i]) || std::isnan(peaks[i])) continue;
    result.kept.push_back(static_cast<std::int32_t>(i));
    result.weights.push_back(static_cast<float>(std::max(std::exp(logProbability[i] - best), kLeastWeight)));
  }
  if (result.kept.empty()) throw Error(Code::modelUnsupported, "no window has finite logits and a finite map");
  return result;
}

}  // namespace sess::bench

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sess::bench {

/** The windows that are fused, ascending, and what each counts: its probability over the largest of all windows. */
struct Weighed {
  std::vector<std::int32_t> kept;
  std::vector<float> weights;
};

/**
 * Weights and pre-filter (SEMANTICS 4), as src/sess/scores.ts has them.
 * `logProbability`, `peaks`: of each window, NaN where logits or map are not finite; `preFilter`: share to drop.
 * Throws Code::modelUnsupported where no window is left.
 */
Weighed weigh(std::span<const double> logProbability, std::span<const float> peaks, double preFilter);

}  // namespace sess::bench

#pragma once

#include <cmath>

#include "cuda/reduce.h"

namespace sess::cuda {

/** One row of logits. */
struct ScoreRow {
  static constexpr std::size_t kShared = sharedBytes<double>(kThreads);

  const float* logits;
  const std::int32_t* targets;
  const std::int32_t* rows;
  double* scores;
  int classes, targetCount;
  bool softmax;

  /** log sigmoid(z) = -softplus(-z). */
  SESS_HD static double logSigmoid(double z) { return (z < 0.0 ? z : 0.0) - std::log1p(std::exp(-std::fabs(z))); }

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t row) const {
    const float* const z = logits + row * classes;
    double* const out = scores + static_cast<std::int64_t>(rows[row]) * targetCount * 2;
    auto* const shared = team.template array<double>(kThreads);
    // A logit that is not finite makes this NaN.
    const double zero = reduce(
        team, shared, classes, 0.0, [&](int k) { return static_cast<double>(z[k]) * 0.0; },
        [](double a, double b) { return a + b; });
    if (zero != 0.0) {
      team.each(2 * targetCount, [&](int i) { out[i] = zero; });
      return;
    }
    const double top = reduce(
        team, shared, classes, static_cast<double>(z[0]), [&](int k) { return static_cast<double>(z[k]); },
        [](double a, double b) { return b > a ? b : a; });
    const double sum = reduce(
        team, shared, classes, 0.0, [&](int k) { return std::exp(static_cast<double>(z[k]) - top); },
        [](double a, double b) { return a + b; });
    const double total = top + std::log(sum);
    team.each(targetCount, [&](int t) {
      const auto logit = static_cast<double>(z[targets[t]]);
      out[2 * t] = logit;
      out[2 * t + 1] = softmax ? logit - total : logSigmoid(logit);
    });
  }
};

template <class Launcher>
void score(Launcher& launch, const ScoreArgs& args) {
  launch.blocks(static_cast<std::int64_t>(args.rows.size()), ScoreRow::kShared,
                ScoreRow{.logits = args.logits,
                         .targets = launch.upload(args.targets),
                         .rows = launch.upload(args.rows),
                         .scores = args.scores,
                         .classes = coordinate(args.classes),
                         .targetCount = static_cast<int>(args.targets.size()),
                         .softmax = args.activation == Activation::softmax});
}

}  // namespace sess::cuda

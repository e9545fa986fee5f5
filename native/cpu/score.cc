#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

bool finite(const float* z, std::int64_t n) {
  return std::all_of(z, z + n, [](float v) { return std::isfinite(v); });
}

/** log sum_k exp(z_k). */
double logSumExp(const float* z, std::int64_t n) {
  const double top = static_cast<double>(*std::max_element(z, z + n));
  double sum = 0.0;
  for (std::int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(z[k]) - top);
  return top + std::log(sum);
}

/** log sigmoid(z) = -softplus(-z). */
double logSigmoid(double z) { return std::min(z, 0.0) - std::log1p(std::exp(-std::fabs(z))); }

}  // namespace

void score(const Context& context, const ScoreArgs& args) {
  const auto rows = static_cast<std::int64_t>(args.rows.size());
  const auto targets = static_cast<std::int64_t>(args.targets.size());
  context.pool.parallelFor(rows, context.cancel, [&](std::int64_t row, Scratch&) {
    const float* z = args.logits + row * args.classes;
    double* out = args.scores + static_cast<std::int64_t>(args.rows[index(row)]) * targets * 2;
    if (!finite(z, args.classes)) {
      std::fill_n(out, targets * 2, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const double total = args.activation == Activation::softmax ? logSumExp(z, args.classes) : 0.0;
    for (std::int64_t t = 0; t < targets; ++t) {
      const double logit = static_cast<double>(z[args.targets[index(t)]]);
      out[2 * t] = logit;
      out[2 * t + 1] = args.activation == Activation::softmax ? logit - total : logSigmoid(logit);
    }
  });
}

}  // namespace sess::cpu

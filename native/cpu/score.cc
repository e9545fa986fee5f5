#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/ops.h"

namespace sess::cpu {

namespace {

constexpr std::int64_t kTaskLogits = 1 << 14;  // fewer are done before another thread has woken up

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

void scoreRow(const ScoreArgs& args, const float* z, double* out) {
  if (!finite(z, args.classes)) {
    std::fill_n(out, args.targets.size() * 2, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const bool softmax = args.activation == Activation::softmax;
  const double total = softmax ? logSumExp(z, args.classes) : 0.0;
  for (const std::int32_t target : args.targets) {
    const double logit = static_cast<double>(z[target]);
    *out++ = logit;
    *out++ = softmax ? logit - total : logSigmoid(logit);
  }
}

}  // namespace

void score(const Context& context, const ScoreArgs& args) {
  const auto rows = static_cast<std::int64_t>(args.rows.size());
  const auto targets = static_cast<std::int64_t>(args.targets.size());
  const std::int64_t run = std::max<std::int64_t>(1, kTaskLogits / args.classes);
  context.pool.parallelFor(ceilDiv(rows, run), context.cancel, [&](std::int64_t task, Scratch&) {
    for (std::int64_t row = task * run; row < std::min(rows, (task + 1) * run); ++row) {
      const std::int64_t place = args.rows[index(row)];
      scoreRow(args, args.logits + row * args.classes, args.scores + place * targets * 2);
    }
  });
}

}  // namespace sess::cpu

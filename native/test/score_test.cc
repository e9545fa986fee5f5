#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

constexpr double kOtherOrder = 1e-12;  // of a sum in double on a device
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Score, IsTheLogProbabilityOfEachTarget) {
  for (const std::int64_t classes : {1, 2, 7, 1000}) {
    const std::vector<std::int32_t> rows{3, 0, 2}, targets{0, static_cast<std::int32_t>(classes - 1)};
    const auto z = Random(2).floats(3 * classes, -30.0, 30.0);
    for (const auto activation : {Activation::softmax, Activation::sigmoid}) {
      const auto out = onEveryBackend<double>(
          5 * 2 * 2,
          [&](Backend& b, Guarded<double>& o) {
            b.score({z.data(), classes, targets, activation, rows, o.data()}, never());
          },
          kOtherOrder);
      const double untouched = Guarded<double>(1)[0];
      for (std::int64_t t = 0; t < 4; ++t) {
        EXPECT_EQ(out[1 * 4 + t], untouched);
        EXPECT_EQ(out[4 * 4 + t], untouched);
      }
      for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t t = 0; t < 2; ++t) {
          const double logit = static_cast<double>(at(z, i * classes + at(targets, t)));
          long double sum = 0.0L;
          for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(static_cast<long double>(at(z, i * classes + k)));
          const double softmax = static_cast<double>(static_cast<long double>(logit) - std::log(sum));
          const double sigmoid = -static_cast<double>(std::log1p(std::exp(-static_cast<long double>(logit))));
          EXPECT_EQ(out[(at(rows, i) * 2 + t) * 2], logit);
          EXPECT_NEAR(out[(at(rows, i) * 2 + t) * 2 + 1], activation == Activation::softmax ? softmax : sigmoid, 1e-12);
        }
      }
    }
  }
}

TEST(Score, DoesNotOverflowOrUnderflow) {
  const std::vector<float> z{3e38F, -3e38F, 0.0F};
  const std::vector<std::int32_t> rows{0}, targets{0, 1, 2};
  for (const auto activation : {Activation::softmax, Activation::sigmoid}) {
    const auto out = onEveryBackend<double>(6, [&](Backend& b, Guarded<double>& o) {
      b.score({z.data(), 3, targets, activation, rows, o.data()}, never());
    });
    EXPECT_NEAR(out[1], 0.0, 1e-12);
    EXPECT_LT(out[3], -1e38);
    EXPECT_TRUE(std::isfinite(out[3]));
  }
}

TEST(Score, ARowThatIsNotFiniteIsNaNAndNoOtherRowIs) {
  const std::vector<float> z{0.0F, kNaN, 1.0F, 0.0F, 1.0F, 2.0F, kInfinity, 0.0F, 0.0F, 0.0F, 0.0F, -kInfinity};
  const std::vector<std::int32_t> rows{0, 1, 2, 3}, targets{0};
  const auto out = onEveryBackend<double>(8, [&](Backend& b, Guarded<double>& o) {
    b.score({z.data(), 3, targets, Activation::softmax, rows, o.data()}, never());
  });
  for (const std::int64_t row : {0, 2, 3}) {
    EXPECT_TRUE(std::isnan(out[2 * row]) && std::isnan(out[2 * row + 1])) << row;
  }
  EXPECT_EQ(out[2], 0.0);
  EXPECT_TRUE(std::isfinite(out[3]));
}

}  // namespace
}  // namespace sess::test

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/normal.h"
#include "core/philox.h"
#include "support.h"

namespace sess::test {
namespace {

TEST(Philox, GivesThePublishedKnownAnswers) {
  struct Known {
    PhiloxCounter counter;
    PhiloxKey key;
    PhiloxCounter answer;
  };
  // Random123, tests/kat_vectors, the lines of philox4x32 with 10 rounds.
  const Known known[] = {
      {{{0, 0, 0, 0}}, {{0, 0}}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
      {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
       {{0xffffffff, 0xffffffff}},
       {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
       {{0xa4093822, 0x299f31d0}},
       {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
  };
  for (const auto& k : known) {
    const PhiloxCounter got = philox(k.counter, k.key);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], k.answer.word[i]) << i;
  }
}

TEST(Normal, IsTheFormulaOfBoxAndMuller) {
  Random random(1);
  std::vector<std::uint32_t> words{0U,          1U,          2U,          0x3FFFFFFFU, 0x40000000U,
                                   0x7FFFFFFFU, 0x80000000U, 0xC0000000U, 0xFFFFFFFEU, 0xFFFFFFFFU};
  for (int i = 0; i < 3000; ++i) words.push_back(static_cast<std::uint32_t>(random.below(std::int64_t{1} << 32)));
  double widest = 0.0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const std::uint32_t angle : {at(words, static_cast<std::int64_t>(i)), words[words.size() - 1 - i], words[3]}) {
      const NormalPair pair = normalPair(words[i], angle);
      const double u = (static_cast<double>(words[i] >> 1) + 0.5) * 0x1p-31;
      const double radius = std::sqrt(-2.0 * std::log(u));
      const double first = static_cast<double>(pair.first), second = static_cast<double>(pair.second);
      // float32 holds u near 1 to 2^-25: where the radius is small it is only known to that root
      ASSERT_NEAR(std::hypot(first, second), radius, 1e-6 + (u > 0.9 ? 5e-4 : 0.0)) << words[i];
      const double quarter = (static_cast<double>(angle & 0x3FFFFFFFU) - 0x1p29) * 0x1p-30 * std::numbers::pi / 2.0;
      const double x = (angle >> 31 != 0U ? -1.0 : 1.0) * std::cos(quarter), y = std::sin(quarter);
      const bool across = (angle >> 30 & 1U) != 0U;
      ASSERT_NEAR(first, std::hypot(first, second) * (across ? y : x), 1e-6) << angle;
      ASSERT_NEAR(second, std::hypot(first, second) * (across ? x : y), 1e-6) << angle;
      widest = std::max(widest, radius);
    }
  }
  EXPECT_GT(widest, 6.6);  // the tails are there
}

/** Every number of a stream's first `n`. */
std::vector<double> numbers(const NormalStream& stream, std::int64_t n) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(static_cast<double>(normalAt(stream, i)));
  return all;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

TEST(Normal, HasTheMomentsAndTheTailsOfTheNormalDistribution) {
  constexpr std::int64_t n = 2000000;
  const auto z = numbers({12345, 7, 3}, n);
  double moments[5] = {};
  std::int64_t beyond[5] = {};
  for (const double v : z) {
    double power = 1.0;
    for (int k = 1; k <= 4; ++k) moments[k] += (power *= v);
    for (int k = 1; k <= 4; ++k) beyond[k] += std::fabs(v) > k ? 1 : 0;
  }
  const double exact[] = {1.0, 0.0, 1.0, 0.0, 3.0}, variance[] = {0.0, 1.0, 2.0, 15.0, 96.0};
  for (int k = 1; k <= 4; ++k) {
    EXPECT_NEAR(moments[k] / n, exact[k], 5.0 * std::sqrt(variance[k] / n)) << "moment " << k;
    const double p = std::erfc(k / std::numbers::sqrt2);
    EXPECT_NEAR(static_cast<double>(beyond[k]) / n, p, 5.0 * std::sqrt(p / n)) << "beyond " << k << " sigma";
  }
  auto sorted = z;  // Kolmogorov and Smirnov: P(D > 2.2 / sqrt(n)) < 1e-3
  std::sort(sorted.begin(), sorted.end());
  double distance = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double cdf = 0.5 * std::erfc(-at(sorted, i) / std::numbers::sqrt2);
    distance = std::max(distance, std::fabs(cdf - (static_cast<double>(i) + 0.5) / n));
  }
  EXPECT_LT(distance, 2.2 / std::sqrt(static_cast<double>(n)));
}

TEST(Normal, StreamsAndNeighboursAreIndependent) {
  constexpr std::int64_t n = 100000;
  const double bound = 5.0 / std::sqrt(static_cast<double>(n));
  const NormalStream first{1, 0, 0};
  const auto z = numbers(first, n);
  for (const NormalStream other : {NormalStream{1, 0, 1}, NormalStream{1, 1, 0}, NormalStream{2, 0, 0},
                                   NormalStream{1 + (std::uint64_t{1} << 32), 0, 0}, NormalStream{1, 0, 24}}) {
    const auto w = numbers(other, n);
    EXPECT_LT(std::fabs(correlation(z, w)), bound);
    auto zz = z, ww = w;
    for (auto& v : zz) v = v * v - 1.0;
    for (auto& v : ww) v = v * v - 1.0;
    EXPECT_LT(std::fabs(correlation(zz, ww)), 2.0 * bound);
  }
  for (const std::int64_t lag : {1, 2, 15, 16, 17, 32, 48, 64, 224, 50176}) {
    const std::vector<double> head(z.begin(), z.end() - lag), tail(z.begin() + lag, z.end());
    EXPECT_LT(std::fabs(correlation(head, tail)), 5.0 / std::sqrt(static_cast<double>(n - lag))) << "lag " << lag;
  }
}

TEST(Noise, AddsTheStreamOfEachImageScaledByItsRange) {
  const std::uint64_t seed = (std::uint64_t{5} << 32) + 77;
  for (const std::int64_t elements : {1, 2, 63, 64, 65, 257, 3 * 32 * 31, 32768, 100003}) {
    const std::vector<std::int32_t> windows{9, 0, 2147483647};
    auto input = Random(2).floats(3 * elements, -1.0, 3.0);
    std::fill_n(input.begin() + elements, elements, 0.5F);  // without range, without noise
    const auto out = onEveryBackend<float>(3 * elements, [&](Backend& b, Guarded<float>& o) {
      b.noise({input.data(), elements, windows, 4, seed, 0.15, o.data()}, never());
    });
    for (std::int64_t image = 0; image < 3; ++image) {
      const auto [lo, hi] =
          std::minmax_element(input.begin() + image * elements, input.begin() + (image + 1) * elements);
      const double sigma = 0.15 * (static_cast<double>(*hi) - static_cast<double>(*lo));
      const NormalStream stream{seed, static_cast<std::uint32_t>(at(windows, image)), 4};
      for (std::int64_t i = 0; i < elements; ++i) {
        const float x = at(input, image * elements + i);
        ASSERT_EQ(out[image * elements + i], x + static_cast<float>(sigma) * normalAt(stream, i)) << i;
      }
    }
    EXPECT_EQ(out[elements], 0.5F);
  }
}

TEST(Noise, IsTheSameWhateverTheBatch) {
  constexpr std::int64_t n = 3 * 17 * 19;
  const auto input = Random(3).floats(2 * n);
  const std::vector<std::int32_t> both{3, 8}, last{8};
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  Guarded<float> together(2 * n), alone(n);
  backend->noise({input.data(), n, both, 1, 42, 0.1, together.data()}, never());
  backend->noise({input.data() + n, n, last, 1, 42, 0.1, alone.data()}, never());
  for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(together[n + i], alone[i]);
}

TEST(Noise, AValueThatIsNaNStaysAlone) {
  constexpr std::int64_t n = 200;
  auto input = Random(4).floats(n);
  input[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::int32_t> windows{0};
  const auto out = onEveryBackend<float>(n, [&](Backend& b, Guarded<float>& o) {
    b.noise({input.data(), n, windows, 0, 1, 0.1, o.data()}, never());
  });
  EXPECT_TRUE(std::isnan(out[0]));
  for (std::int64_t i = 1; i < n; ++i) ASSERT_TRUE(std::isfinite(out[i]));
}

}  // namespace
}  // namespace sess::test

#include <cmath>
#include <limits>

#include "core/rise.h"
#include "rise_cases.h"

namespace sess::test {
namespace {

constexpr std::uint64_t kSeed = (std::uint64_t{9} << 32) + 41;

/** Masks of this seed: what becomes of images of ones. */
Guarded<float> masksOf(const RiseShape& s, std::uint64_t seed, const std::vector<Copy>& copies) {
  const std::int64_t each = 3 * s.size.height * s.size.width;
  const std::vector<float> ones(static_cast<std::size_t>(each), 1.0F);
  return onEveryBackend<float>(static_cast<std::int64_t>(copies.size()) * each, [&](Backend& b, Guarded<float>& o) {
    b.riseMask({{ones.data(), s.size, Layout::nchw}, {seed, s.grid, s.keep}, copies, o.data()}, never());
  });
}

TEST(RiseMask, MultipliesByThePlainMaskInBothLayouts) {
  for (const auto& s : riseShapes()) {
    const std::int64_t pixels = s.size.height * s.size.width, each = 3 * pixels;
    const auto images = Random(8).floats(2 * each, -2.0, 2.0);
    const std::vector<Copy> copies{{1, 0}, {0, 1}, {1, 2147483647}, {1, 1}};
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      const auto out = onEveryBackend<float>(4 * each, [&](Backend& b, Guarded<float>& o) {
        b.riseMask({{images.data(), s.size, layout}, {kSeed, s.grid, s.keep}, copies, o.data()}, never());
      });
      for (std::int64_t k = 0; k < 4; ++k) {
        const Copy copy = at(copies, k);
        const auto mask = plainRise(s, kSeed, static_cast<std::uint32_t>(copy.what));
        for (std::int64_t i = 0; i < each; ++i) {
          const double m = at(mask, layout == Layout::nchw ? i % pixels : i / 3);
          ASSERT_NEAR(static_cast<double>(out[k * each + i]), static_cast<double>(at(images, copy.row * each + i)) * m,
                      1e-6)
              << s.size.width << ", mask " << copy.what << " at " << i;
        }
      }
    }
  }
}

TEST(RiseMask, IsTheSameWhateverIsMadeBesideIt) {
  const RiseShape s{{40, 50}, 7, 0.5};
  const std::int64_t each = 3 * 40 * 50;
  const auto together = masksOf(s, kSeed, {{0, 7}, {0, 3}, {0, 7}});
  const auto alone = masksOf(s, kSeed, {{0, 7}});
  bool differs = false;
  for (std::int64_t i = 0; i < each; ++i) {
    ASSERT_EQ(together[i], alone[i]);
    ASSERT_EQ(together[2 * each + i], alone[i]);
    differs = differs || together[each + i] != alone[i];
  }
  EXPECT_TRUE(differs);
}

TEST(RiseMask, KeepsTheShareAskedFor) {
  constexpr std::int32_t kMasks = 4000;
  const RiseShape s{{8, 8}, 2, 0.3};  // cells of 4 x 4
  std::vector<Copy> copies;
  for (std::int32_t m = 0; m < kMasks; ++m) copies.push_back({0, m});
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, kSeed}) {
    const auto masks = masksOf(s, seed, copies);
    // A pixel's value is a mean of independent values: its variance is at most theirs.
    const double bound = 5.0 * std::sqrt(0.3 * 0.7 / kMasks);
    for (std::int64_t p = 0; p < 64; ++p) {
      double mean = 0.0;
      for (std::int64_t m = 0; m < kMasks; ++m) mean += static_cast<double>(masks[m * 192 + p]) / kMasks;
      EXPECT_NEAR(mean, 0.3, bound) << "pixel " << p;
    }
  }
}

TEST(RiseMask, ShiftsEvenly) {
  constexpr std::uint32_t kMasks = 4000;
  int counts[5][7] = {};
  for (std::uint32_t m = 0; m < kMasks; ++m) {
    const RiseShift shift = riseShift({kSeed, 3, 0.5}, m, {14, 21});  // cells of 5 x 7
    ASSERT_TRUE(shift.y >= 0 && shift.y < 5 && shift.x >= 0 && shift.x < 7);
    ++counts[shift.y][shift.x];
  }
  const double each = kMasks / 35.0;
  for (const auto& row : counts) {
    for (const int count : row) EXPECT_NEAR(count, each, 5.0 * std::sqrt(each));
  }
}

TEST(RiseMask, SeedsAndNumbersAreIndependent) {
  constexpr std::int64_t kValues = 1600;
  const RiseShape s{{40, 40}, 40, 0.5};  // a value for each pixel
  const auto a = masksOf(s, 1, {{0, 0}, {0, 1}, {0, 2}});
  const auto b = masksOf(s, 1 + (std::uint64_t{1} << 32), {{0, 0}});
  const auto c = masksOf(s, 2, {{0, 0}});
  const auto correlation = [&](const Guarded<float>& u, std::int64_t from, const Guarded<float>& v, std::int64_t to) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < kValues - 10; ++i) {
      sum += (static_cast<double>(u[from + i]) - 0.5) * (static_cast<double>(v[to + i]) - 0.5) * 4.0;
    }
    return sum / static_cast<double>(kValues - 10);
  };
  const double bound = 5.0 / std::sqrt(static_cast<double>(kValues - 10));
  EXPECT_NEAR(correlation(a, 0, a, 0), 1.0, 1e-6);
  EXPECT_LT(std::fabs(correlation(a, 0, a, 3 * kValues)), bound);
  EXPECT_LT(std::fabs(correlation(a, 0, a, 6 * kValues)), bound);
  EXPECT_LT(std::fabs(correlation(a, 0, b, 0)), bound);
  EXPECT_LT(std::fabs(correlation(a, 0, c, 0)), bound);
  for (const std::int64_t lag : {1, 2, 3, 4, 5}) EXPECT_LT(std::fabs(correlation(a, 0, a, lag)), bound) << lag;
}

}  // namespace
}  // namespace sess::test

#include <cmath>
#include <limits>

#include "rise_cases.h"

namespace sess::test {
namespace {

constexpr float kOtherOrder = 1e-6F;  // of the masks, on a device
constexpr std::uint64_t kSeed = (std::uint64_t{3} << 40) + 5;

Guarded<float> reduced(const RiseShape& s, std::int64_t masks, const std::vector<float>& weights,
                       const std::vector<std::int32_t>& rows, Guarded<float>& peaks) {
  const std::int64_t slots = peaks.size();
  const auto reduce = [&](Backend& b, Guarded<float>& o) {
    peaks = Guarded<float>(slots);
    b.riseReduce({weights.data(), masks, {kSeed, s.grid, s.keep}, rows, s.size, o.data(), peaks.data()}, never());
    EXPECT_TRUE(peaks.intact());
  };
  return onEveryBackend<float>(slots * s.size.height * s.size.width, reduce, kOtherOrder);
}

/** sum_m weights[m] * mask_m / (masks * keep). */
std::vector<double> plainReduce(const RiseShape& s, std::int64_t masks, const float* weights) {
  std::vector<double> map(static_cast<std::size_t>(s.size.height * s.size.width), 0.0);
  for (std::int64_t m = 0; m < masks; ++m) {
    const auto mask = plainRise(s, kSeed, static_cast<std::uint32_t>(m));
    for (std::size_t p = 0; p < map.size(); ++p) map[p] += static_cast<double>(weights[m]) * mask[p];
  }
  for (auto& v : map) v /= static_cast<double>(masks) * s.keep;
  return map;
}

TEST(RiseReduce, IsThePlainSumOfTheMasks) {
  const float untouched = Guarded<float>(1)[0];
  for (const auto& s : riseShapes()) {
    for (const std::int64_t masks : {1, 37}) {
      const std::int64_t pixels = s.size.height * s.size.width;
      const auto weights = Random(9).floats(2 * masks, -0.5, 1.0);
      Guarded<float> peaks(4);
      const auto maps = reduced(s, masks, weights, {3, 1}, peaks);
      for (std::int64_t i = 0; i < 2; ++i) {
        const std::int64_t row = i == 0 ? 3 : 1;
        const auto plain = plainReduce(s, masks, weights.data() + i * masks);
        float top = maps[row * pixels];
        for (std::int64_t p = 0; p < pixels; ++p) {
          ASSERT_NEAR(static_cast<double>(maps[row * pixels + p]), at(plain, p), 1e-6) << s.size.width << " at " << p;
          top = std::max(top, maps[row * pixels + p]);
        }
        EXPECT_NEAR(peaks[row], top, kOtherOrder);
      }
      for (const std::int64_t row : {0, 2}) {
        EXPECT_EQ(peaks[row], untouched);
        EXPECT_EQ(maps[row * pixels], untouched);
        EXPECT_EQ(maps[(row + 1) * pixels - 1], untouched);
      }
    }
  }
}

TEST(RiseReduce, FourThousandMasksStayWithinRounding) {
  const RiseShape s{{48, 56}, 7, 0.5};
  const auto weights = Random(10).floats(4000);
  Guarded<float> peaks(1);
  const auto map = reduced(s, 4000, weights, {0}, peaks);
  const auto plain = plainReduce(s, 4000, weights.data());
  for (std::int64_t p = 0; p < map.size(); ++p) ASSERT_NEAR(static_cast<double>(map[p]), at(plain, p), 1e-6) << p;
}

TEST(RiseReduce, MasksThatKeepAllGiveTheMeanWeight) {
  const RiseShape s{{20, 30}, 7, 1.0};
  Guarded<float> peaks(1);
  const auto map = reduced(s, 4, {0.5F, 0.25F, 1.0F, 0.25F}, {0}, peaks);
  for (std::int64_t p = 0; p < map.size(); ++p) ASSERT_EQ(map[p], 0.5F) << p;
  EXPECT_EQ(peaks[0], 0.5F);
}

TEST(RiseReduce, AWeightThatIsNotFiniteTakesOnlyItsOwnRow) {
  const RiseShape s{{20, 30}, 3, 0.5};
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto weights = Random(11).floats(20);
    Guarded<float> alone(2), peaks(2);
    const auto clean = reduced(s, 10, weights, {0, 1}, alone);
    weights[13] = bad;
    const auto maps = reduced(s, 10, weights, {0, 1}, peaks);
    for (std::int64_t p = 0; p < 600; ++p) ASSERT_EQ(maps[p], clean[p]);
    EXPECT_EQ(peaks[0], alone[0]);
    EXPECT_TRUE(std::isnan(peaks[1]));
  }
}

}  // namespace
}  // namespace sess::test

#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  std::int64_t channels;
  Size grid;
};

const Shape kShapes[] = {{768, {7, 7}},  {1, {1, 1}},   {3, {1, 1}},   {5, {2, 2}},   {64, {3, 5}}, {33, {4, 4}},
                         {17, {1, 9}},   {20, {1, 17}}, {20, {5, 5}},  {20, {1, 33}}, {9, {7, 9}},  {9, {8, 8}},
                         {11, {13, 11}}, {6, {40, 29}}, {4, {64, 64}}, {2048, {7, 7}}};

void expectWeightedSum(bool rectify) {
  for (const auto& s : kShapes) {
    const std::int64_t grid = s.grid.height * s.grid.width, windows = 3;
    const std::vector<std::int32_t> rows{4, 0, 2};
    Random random(3);
    const auto a = random.floats(windows * s.channels * grid), w = random.floats(windows * s.channels, -1.0, 1.0);
    Guarded<float> peaks(5);
    const auto maps = onEveryBackend<float>(5 * grid, [&](Backend& b, Guarded<float>& o) {
      peaks = Guarded<float>(5);
      b.camReduce({a.data(), w.data(), s.channels, s.grid, rows, rectify, o.data(), peaks.data()}, never());
      EXPECT_TRUE(peaks.intact());
    });
    const float untouched = Guarded<float>(1)[0];
    EXPECT_EQ(maps[grid], untouched);
    EXPECT_EQ(peaks[1], untouched);
    EXPECT_EQ(peaks[3], untouched);
    for (std::int64_t i = 0; i < windows; ++i) {
      std::vector<double> plain(static_cast<std::size_t>(grid), 0.0);
      double top = rectify ? 0.0 : -1e300, largest = 1e-3;
      for (std::int64_t p = 0; p < grid; ++p) {
        double& v = plain[static_cast<std::size_t>(p)];
        for (std::int64_t c = 0; c < s.channels; ++c) {
          v += static_cast<double>(at(w, i * s.channels + c)) *
               static_cast<double>(at(a, (i * s.channels + c) * grid + p));
        }
        largest = std::max(largest, std::fabs(v));
        if (rectify) v = std::max(v, 0.0);
        top = std::max(top, v);
      }
      for (std::int64_t p = 0; p < grid; ++p) {
        ASSERT_NEAR(static_cast<double>(maps[at(rows, i) * grid + p]), at(plain, p), 1e-6 * largest) << p;
      }
      EXPECT_NEAR(static_cast<double>(peaks[at(rows, i)]), top, 1e-6 * largest);
    }
  }
}

TEST(CamReduce, IsTheWeightedSum) { expectWeightedSum(false); }

TEST(CamReduce, IsTheRectifiedWeightedSum) { expectWeightedSum(true); }

TEST(CamReduce, AMapThatIsNotFiniteHasNoPeak) {
  for (const auto& s : kShapes) {
    const std::int64_t grid = s.grid.height * s.grid.width;
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      auto a = Random(4).floats(2 * s.channels * grid, 0.1);
      const std::vector<float> w(static_cast<std::size_t>(2 * s.channels), 1.0F);
      a[static_cast<std::size_t>(s.channels * grid + grid - 1)] = bad;
      const std::vector<std::int32_t> rows{0, 1};
      Guarded<float> peaks(2);
      onEveryBackend<float>(2 * grid, [&](Backend& b, Guarded<float>& o) {
        b.camReduce({a.data(), w.data(), s.channels, s.grid, rows, true, o.data(), peaks.data()}, never());
        EXPECT_TRUE(std::isfinite(peaks[0]));
        EXPECT_TRUE(std::isnan(peaks[1]));
      });
    }
  }
}

}  // namespace
}  // namespace sess::test

#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size size, square;
  std::int64_t squares;
};

const Shape kShapes[] = {{{1, 1}, {1, 1}, 1},      {{9, 31}, {4, 5}, 7},     {{224, 224}, {32, 32}, 600},
                         {{300, 17}, {80, 3}, 40}, {{2, 9001}, {1, 70}, 99}, {{5, 5}, {5, 5}, 3}};

std::vector<Point> somePlaces(const Shape& s, Random& random) {
  std::vector<Point> points;
  for (std::int64_t i = 0; i < s.squares; ++i) {
    points.push_back({static_cast<std::int32_t>(random.below(s.size.height - s.square.height + 1)),
                      static_cast<std::int32_t>(random.below(s.size.width - s.square.width + 1))});
  }
  return points;
}

Guarded<float> reduced(const Shape& s, const std::vector<float>& weights, const std::vector<Point>& points,
                       const std::vector<std::int32_t>& rows, Guarded<float>& peaks) {
  const std::int64_t slots = peaks.size();
  return onEveryBackend<float>(slots * s.size.height * s.size.width, [&](Backend& b, Guarded<float>& o) {
    peaks = Guarded<float>(slots);
    b.occlusionReduce({weights.data(), s.square, points, rows, s.size, o.data(), peaks.data()}, never());
    EXPECT_TRUE(peaks.intact());
  });
}

TEST(OcclusionReduce, IsTheMeanOverTheSquaresThatCover) {
  const float untouched = Guarded<float>(1)[0];
  for (const auto& s : kShapes) {
    Random random(13);
    const std::int64_t pixels = s.size.height * s.size.width;
    const auto points = somePlaces(s, random);
    const auto weights = random.floats(2 * s.squares, -1.0, 0.5);
    const std::vector<std::int32_t> rows{2, 0};
    Guarded<float> peaks(3);
    const auto maps = reduced(s, weights, points, rows, peaks);
    for (std::int64_t i = 0; i < 2; ++i) {
      float top = -2.0F;
      for (std::int64_t p = 0; p < pixels; ++p) {
        double sum = 0.0, count = 0.0;
        for (std::int64_t k = 0; k < s.squares; ++k) {
          const std::int64_t y = p / s.size.width - at(points, k).y, x = p % s.size.width - at(points, k).x;
          if (y < 0 || x < 0 || y >= s.square.height || x >= s.square.width) continue;
          sum += static_cast<double>(at(weights, i * s.squares + k));
          count += 1.0;
        }
        const float v = maps[at(rows, i) * pixels + p];
        ASSERT_NEAR(static_cast<double>(v), count > 0.0 ? sum / count : 0.0, 1e-6) << s.size.width << " at " << p;
        top = std::max(top, v);
      }
      EXPECT_EQ(peaks[at(rows, i)], top);
    }
    EXPECT_EQ(peaks[1], untouched);
    EXPECT_EQ(maps[pixels], untouched);
  }
}

TEST(OcclusionReduce, IsExactlyZeroWhereNothingCoversOrNothingDropped) {
  const Shape s{{20, 20}, {5, 5}, 2};
  Guarded<float> peaks(1);
  const auto map = reduced(s, {0.3F, 0.0F}, {{0, 0}, {10, 0}}, {0}, peaks);
  for (std::int64_t p = 0; p < 400; ++p) {
    ASSERT_EQ(map[p], p / 20 < 5 && p % 20 < 5 ? 0.3F : 0.0F) << p;
  }
}

TEST(OcclusionReduce, AWeightThatIsNotFiniteTakesOnlyItsOwnRow) {
  const Shape s{{20, 20}, {5, 5}, 2};
  Guarded<float> peaks(2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto maps = reduced(s, {0.5F, nan, 0.5F, 0.25F}, {{0, 0}, {10, 10}}, {0, 1}, peaks);
  EXPECT_TRUE(std::isnan(peaks[0]));
  EXPECT_EQ(peaks[1], 0.5F);
  EXPECT_EQ(maps[0], 0.5F);
  EXPECT_TRUE(std::isnan(maps[10 * 20 + 10]));
  EXPECT_EQ(maps[400 + 10 * 20 + 10], 0.25F);
}

}  // namespace
}  // namespace sess::test

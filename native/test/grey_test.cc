#include <algorithm>
#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  std::int64_t channels;
  Size size;
};

const Shape kShapes[] = {{3, {1, 1}},   {1, {1, 1}},   {3, {1, 2}},     {1, {2, 3}},    {3, {7, 13}},   {4, {10, 10}},
                         {2, {1, 101}}, {3, {32, 32}}, {3, {101, 100}}, {5, {1, 1201}}, {3, {224, 224}}};

/** Sorted, and the percentile as a weighted mean of its two neighbours. */
std::vector<double> plainGrey(const std::vector<float>& gradients, std::int64_t image, const Shape& s, Layout layout) {
  const std::int64_t pixels = s.size.height * s.size.width;
  std::vector<double> q(static_cast<std::size_t>(pixels), 0.0);
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const std::int64_t i = layout == Layout::nchw ? c * pixels + p : p * s.channels + c;
      q[static_cast<std::size_t>(p)] += std::fabs(static_cast<double>(at(gradients, image * s.channels * pixels + i)));
    }
  }
  auto sorted = q;
  std::sort(sorted.begin(), sorted.end());
  const std::int64_t hundredths = 99 * (pixels - 1), rank = hundredths / 100;
  const double f = static_cast<double>(hundredths % 100) / 100.0;
  const double hi = (1.0 - f) * at(sorted, rank) + f * at(sorted, std::min(rank + 1, pixels - 1)), lo = sorted[0];
  for (auto& v : q) v = hi > lo ? std::clamp((v - lo) / (hi - lo), 0.0, 1.0) : 0.0;
  return q;
}

/** Images in the layout and rows given, on every backend. */
Guarded<float> greyOf(const std::vector<float>& gradients, const Shape& s, Layout layout,
                      const std::vector<std::int32_t>& rows, Guarded<float>& peaks) {
  const std::int64_t slots = peaks.size();
  return onEveryBackend<float>(slots * s.size.height * s.size.width, [&](Backend& b, Guarded<float>& o) {
    peaks = Guarded<float>(slots);
    b.grey({gradients.data(), s.channels, s.size, layout, rows, o.data(), peaks.data()}, never());
    EXPECT_TRUE(peaks.intact());
  });
}

TEST(Grey, IsThePlainSortForEveryShapeAndLayout) {
  const float pattern = Guarded<float>(1)[0];
  for (const auto& s : kShapes) {
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      const std::int64_t pixels = s.size.height * s.size.width, each = s.channels * pixels;
      Random random(3);
      std::vector<float> gradients;
      for (const double scale : {1.0, 1e-30, 1e30}) {  // gradients have no scale of their own
        for (std::int64_t i = 0; i < each; ++i) {
          const double u = random.uniform() - 0.5, v = random.uniform();
          gradients.push_back(static_cast<float>(scale * u * u * u * v));
        }
      }
      const std::vector<std::int32_t> rows{4, 0, 2};
      Guarded<float> peaks(5);
      const auto maps = greyOf(gradients, s, layout, rows, peaks);
      for (std::int64_t i = 0; i < 3; ++i) {
        const auto plain = plainGrey(gradients, i, s, layout);
        float top = 0.0F;
        for (std::int64_t p = 0; p < pixels; ++p) {
          const float v = maps[at(rows, i) * pixels + p];
          ASSERT_NEAR(static_cast<double>(v), at(plain, p), 1e-6) << s.size.width << " at " << p;
          top = std::max(top, v);
        }
        EXPECT_EQ(peaks[at(rows, i)], top);
        EXPECT_EQ(top, pixels > 1 ? 1.0F : 0.0F);
      }
      EXPECT_EQ(peaks[1], pattern);
      EXPECT_EQ(peaks[3], pattern);
      EXPECT_EQ(maps[pixels], pattern);
    }
  }
}

TEST(Grey, TiesAndAlmostEqualSumsKeepTheirOrder) {
  const Shape s{3, {20, 30}};
  std::vector<float> ties, close;
  Random random(5);
  for (std::int64_t i = 0; i < 3 * 600; ++i) {
    ties.push_back(static_cast<float>(random.below(3)));
    // 1 + 1e-9 * (a small number): equal in float32, apart in double
    close.push_back(i < 600 ? 1.0F : static_cast<float>(1e-9 * random.uniform()));
  }
  for (const auto& gradients : {ties, close}) {
    Guarded<float> peaks(1);
    const auto maps = greyOf(gradients, s, Layout::nchw, {0}, peaks);
    const auto plain = plainGrey(gradients, 0, s, Layout::nchw);
    for (std::int64_t p = 0; p < 600; ++p) ASSERT_NEAR(static_cast<double>(maps[p]), at(plain, p), 1e-6);
    EXPECT_EQ(peaks[0], 1.0F);
  }
}

TEST(Grey, FlatSumsAreZeros) {
  const Shape s{3, {9, 11}};
  for (const float value : {0.0F, 0.7F, -0.7F}) {
    std::vector<float> gradients(3 * 99, value);
    Guarded<float> peaks(1);
    for (const float outlier : {value, 5.0F}) {  // one pixel of 99 above the percentile's neighbours, or none
      gradients[40] = outlier;
      const auto maps = greyOf(gradients, s, Layout::nchw, {0}, peaks);
      const auto plain = plainGrey(gradients, 0, s, Layout::nchw);
      for (std::int64_t p = 0; p < 99; ++p) ASSERT_NEAR(static_cast<double>(maps[p]), at(plain, p), 1e-6);
      EXPECT_EQ(peaks[0], outlier == value ? 0.0F : 1.0F);
    }
  }
}

TEST(Grey, AnOutlierAboveThePercentileIsClipped) {
  const Shape s{1, {101, 3}};
  auto gradients = Random(6).floats(303);
  gradients[5] = 1e30F;
  Guarded<float> peaks(1);
  const auto maps = greyOf(gradients, s, Layout::nchw, {0}, peaks);
  const auto plain = plainGrey(gradients, 0, s, Layout::nchw);
  for (std::int64_t p = 0; p < 303; ++p) ASSERT_NEAR(static_cast<double>(maps[p]), at(plain, p), 1e-6);
  EXPECT_EQ(maps[5], 1.0F);
}

TEST(Grey, AGradientThatIsNotFiniteTakesOnlyItsOwnImage) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), inf, -inf}) {
    for (const auto& s : kShapes) {
      for (const auto layout : {Layout::nchw, Layout::nhwc}) {
        const std::int64_t pixels = s.size.height * s.size.width, each = s.channels * pixels;
        auto gradients = Random(4).floats(3 * each, -1.0, 1.0);
        Guarded<float> alone(3), peaks(3);
        const auto clean = greyOf(gradients, s, layout, {0, 1, 2}, alone);
        gradients[static_cast<std::size_t>(2 * each - 1)] = bad;
        const auto maps = greyOf(gradients, s, layout, {0, 1, 2}, peaks);
        EXPECT_TRUE(std::isnan(peaks[1]));
        for (std::int64_t p = 0; p < pixels; ++p) {
          ASSERT_EQ(maps[p], clean[p]);
          ASSERT_EQ(maps[pixels + p], 0.0F);
          ASSERT_EQ(maps[2 * pixels + p], clean[2 * pixels + p]);
        }
        EXPECT_EQ(peaks[0], alone[0]);
        EXPECT_EQ(peaks[2], alone[2]);
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

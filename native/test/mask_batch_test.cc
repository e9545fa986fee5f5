#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size size, grid;
  std::int64_t images, channels;
};

const Shape kShapes[] = {{{224, 224}, {7, 7}, 2, 5}, {{1, 1}, {1, 1}, 1, 1},     {{9, 31}, {3, 5}, 3, 2},
                         {{5, 7}, {5, 7}, 1, 3},     {{20, 24}, {64, 48}, 2, 2}, {{33, 700}, {7, 7}, 1, 4},
                         {{300, 1}, {4, 1}, 2, 1}};

std::vector<Copy> someCopies(const Shape& s, Random& random) {
  std::vector<Copy> copies;
  for (int i = 0; i < 5; ++i) {
    copies.push_back(
        {static_cast<std::int32_t>(random.below(s.images)), static_cast<std::int32_t>(random.below(s.channels))});
  }
  return copies;
}

Guarded<float> maskedOf(const MaskBatchArgs& args) {
  const std::int64_t each = 3 * args.images.size.height * args.images.size.width;
  return onEveryBackend<float>(static_cast<std::int64_t>(args.copies.size()) * each,
                               [&](Backend& b, Guarded<float>& o) {
                                 MaskBatchArgs own = args;
                                 own.out = o.data();
                                 b.maskBatch(own, never());
                               });
}

TEST(MaskBatch, MixesImageAndBackgroundByTheMask) {
  for (const auto& s : kShapes) {
    Random random(2);
    const std::int64_t pixels = s.size.height * s.size.width, each = 3 * pixels, grid = s.grid.height * s.grid.width;
    const auto images = random.floats(s.images * each, -2.0, 2.0), background = random.floats(s.images * each, -2.0);
    auto features = random.floats(s.images * s.channels * grid, -1.0, 1.0);
    std::fill_n(features.begin(), grid, 0.3F);  // a flat channel
    auto copies = someCopies(s, random);
    copies[1] = {0, 0};
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      for (const float* behind : {static_cast<const float*>(nullptr), background.data()}) {
        const auto out =
            maskedOf({{images.data(), s.size, layout}, behind, features.data(), s.channels, s.grid, copies, nullptr});
        for (std::int64_t k = 0; k < 5; ++k) {
          const Copy copy = at(copies, k);
          const auto mask = plainMap(features.data() + (copy.row * s.channels + copy.what) * grid, s.grid, s.size);
          for (std::int64_t i = 0; i < each; ++i) {
            const double m = at(mask, layout == Layout::nchw ? i % pixels : i / 3);
            const double x = static_cast<double>(at(images, copy.row * each + i));
            const double b = behind == nullptr ? 0.0 : static_cast<double>(at(background, copy.row * each + i));
            ASSERT_NEAR(static_cast<double>(out[k * each + i]), x * m + b * (1.0 - m), 1e-5)
                << s.size.width << " " << i;
          }
        }
      }
    }
  }
}

TEST(MaskBatch, IsExactWhereTheMaskIsNoneOrWhole) {
  const Size size{8, 8};
  const auto images = Random(3).floats(192, -2.0, 2.0), background = Random(4).floats(192, -2.0, 2.0);
  std::vector<float> features(64);  // a mask of zeros and ones, as large as the image
  for (std::size_t i = 0; i < 64; ++i) features[i] = i % 3 == 0 ? 1.0F : 0.0F;
  const std::vector<Copy> copies{{0, 0}};
  const auto out =
      maskedOf({{images.data(), size, Layout::nchw}, background.data(), features.data(), 1, size, copies, nullptr});
  for (std::int64_t i = 0; i < 192; ++i) ASSERT_EQ(out[i], i % 64 % 3 == 0 ? at(images, i) : at(background, i)) << i;
}

TEST(MaskBatch, AChannelThatIsNotFiniteSpoilsOnlyItsOwnCopy) {
  const Size size{16, 16}, grid{4, 4};
  const auto images = Random(3).floats(768);
  auto features = Random(4).floats(32);
  features[5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Copy> copies{{0, 0}, {0, 1}};
  const auto out = maskedOf({{images.data(), size, Layout::nhwc}, nullptr, features.data(), 2, grid, copies, nullptr});
  bool spoilt = false;
  for (std::int64_t i = 0; i < 768; ++i) {
    spoilt = spoilt || std::isnan(out[i]);
    ASSERT_TRUE(std::isfinite(out[768 + i]));
  }
  EXPECT_TRUE(spoilt);
}

TEST(MaskBatch, NoCopiesWriteNothing) {
  const std::vector<float> one(3, 1.0F);
  const auto out = maskedOf({{one.data(), {1, 1}, Layout::nchw}, nullptr, one.data(), 1, {1, 1}, {}, nullptr});
  EXPECT_EQ(out.size(), 0);
}

}  // namespace
}  // namespace sess::test

#include <cmath>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size grid, window;
};

const Shape kShapes[] = {{{7, 7}, {224, 224}}, {{1, 1}, {5, 5}},     {{1, 4}, {9, 31}},    {{3, 5}, {14, 9}},
                         {{64, 64}, {20, 24}}, {{2, 2}, {1, 1}},     {{7, 7}, {7, 7}},     {{14, 14}, {300, 333}},
                         {{6, 3}, {1, 100}},   {{3, 100}, {8, 100}}, {{20, 20}, {64, 19}}, {{64, 3}, {128, 5}}};

TEST(Upsample, IsThePlainMapFromZeroToOne) {
  for (const auto& s : kShapes) {
    const std::int64_t grid = s.grid.height * s.grid.width, pixels = s.window.height * s.window.width;
    Random random(5);
    auto maps = random.rectified(6 * grid);
    std::fill_n(maps.begin() + 2 * grid, grid, 0.7F);
    const std::vector<std::int32_t> rows{5, 2, 0, 0};
    const auto out = onEveryBackend<float>(4 * pixels, [&](Backend& b, Guarded<float>& o) {
      b.upsample({maps.data(), s.grid, rows, s.window, false, o.data()}, never());
    });
    for (std::int64_t i = 0; i < 4; ++i) {
      const auto plain = plainMap(maps.data() + at(rows, i) * grid, s.grid, s.window);
      float lo = 2.0F, hi = -1.0F;
      for (std::int64_t p = 0; p < pixels; ++p) {
        const float v = out[i * pixels + p];
        ASSERT_NEAR(static_cast<double>(v), at(plain, p), 1e-5) << s.grid.width << " to " << s.window.width;
        // SEMANTICS 6 counts what is above zero, so zeros must be zeros.
        if (at(plain, p) == 0.0) {
          ASSERT_EQ(v, 0.0F);
        }
        lo = std::min(lo, v);
        hi = std::max(hi, v);
      }
      EXPECT_EQ(lo, 0.0F);
      EXPECT_TRUE(hi == 1.0F || hi == 0.0F) << hi;
    }
  }
}

TEST(Upsample, RectifiedIsThePlainMapOfWhatIsAboveZero) {
  for (const auto& s : kShapes) {
    const std::int64_t grid = s.grid.height * s.grid.width, pixels = s.window.height * s.window.width;
    auto maps = Random(6).floats(5 * grid, -1.0, 1.0);
    for (std::int64_t p = 0; p < grid; ++p) {
      maps[static_cast<std::size_t>(grid + p)] -= 2.0F;      // nothing above zero
      maps[static_cast<std::size_t>(2 * grid + p)] += 1.5F;  // nothing below
    }
    std::fill_n(maps.begin() + 3 * grid, grid, 0.7F);
    std::fill_n(maps.begin() + 4 * grid, grid, -0.7F);
    const std::vector<std::int32_t> rows{0, 1, 2, 3, 4};
    const auto out = onEveryBackend<float>(5 * pixels, [&](Backend& b, Guarded<float>& o) {
      b.upsample({maps.data(), s.grid, rows, s.window, true, o.data()}, never());
    });
    for (std::int64_t i = 0; i < 5; ++i) {
      const auto plain = plainMap(maps.data() + i * grid, s.grid, s.window, true);
      for (std::int64_t p = 0; p < pixels; ++p) {
        const float v = out[i * pixels + p];
        ASSERT_NEAR(static_cast<double>(v), at(plain, p), 1e-5) << s.grid.width << " to " << s.window.width;
        if (at(plain, p) == 0.0) {
          ASSERT_EQ(v, 0.0F);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

#include <array>
#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

TEST(Overlay, BlendsTheColourOfEachValueToNearest) {
  Random random(7);
  const auto table = random.bytes(768);
  const std::span<const std::uint8_t, 768> colors(table.data(), 768);
  for (const std::int64_t pixels : {1, 15, 16, 1000, 40000}) {
    const auto photo = random.bytes(pixels * 3);
    const auto map = random.floats(pixels, -0.5, 1.5);
    for (const auto opacity : {Opacity::constant, Opacity::byValue}) {
      for (const float alpha : {0.0F, 0.5F, 1.0F}) {
        const float low = 0.1F, high = 0.8F;
        const auto out = onEveryBackend<std::uint8_t>(pixels * 3, [&](Backend& b, Guarded<std::uint8_t>& o) {
          b.overlay({photo.data(), map.data(), pixels, colors, low, high, alpha, opacity, o.data()}, never());
        });
        for (std::int64_t i = 0; i < out.size(); ++i) {
          const double exact =
              (static_cast<double>(at(map, i / 3)) - static_cast<double>(low)) / static_cast<double>(high - low);
          const double t = std::min(1.0, std::max(0.0, exact));
          const auto color = static_cast<std::int64_t>(std::floor(t * 255.0 + 0.5));
          const double ties = std::fabs(t * 255.0 + 0.5 - std::round(t * 255.0 + 0.5));
          const double a = opacity == Opacity::constant ? static_cast<double>(alpha) : static_cast<double>(alpha) * t;
          const double v = at(photo, i), over = at(table, color * 3 + i % 3);
          if (ties < 1e-4) continue;  // either neighbour's colour is right
          ASSERT_NEAR(static_cast<double>(out[i]), v + a * (over - v), 0.5 + 1e-3) << i;
        }
      }
    }
  }
}

TEST(Overlay, ValuesThatAreNotFiniteArePinned) {
  const std::vector<std::uint8_t> photo(3 * 40, 10), table(768, 200);
  std::vector<float> map(40, std::numeric_limits<float>::quiet_NaN());
  map[1] = std::numeric_limits<float>::infinity();
  map[2] = -std::numeric_limits<float>::infinity();
  const std::span<const std::uint8_t, 768> colors(table.data(), 768);
  for (const float high : {1.0F, 0.0F}) {
    const auto out = onEveryBackend<std::uint8_t>(3 * 40, [&](Backend& b, Guarded<std::uint8_t>& o) {
      b.overlay({photo.data(), map.data(), 40, colors, 0.0F, high, 1.0F, Opacity::byValue, o.data()}, never());
    });
    EXPECT_EQ(out[0], 10);
    EXPECT_EQ(out[3], 200);
    EXPECT_EQ(out[6], 10);
    EXPECT_EQ(out[117], 10);
  }
}

}  // namespace
}  // namespace sess::test

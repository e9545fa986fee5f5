#include <cmath>

#include "core/gauss.h"
#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size size;
  int taps;
  double sigma;
};

const Shape kShapes[] = {{{60, 70}, 11, 5.0}, {{1, 1}, 11, 5.0},     {{1, 2000}, 11, 5.0},  {{2000, 1}, 11, 5.0},
                         {{3, 4}, 11, 5.0},   {{2, 2}, 51, 50.0},    {{33, 17}, 1, 1.0},    {{64, 1100}, 3, 0.4},
                         {{40, 2100}, 51, 9}, {{100, 1030}, 31, 20}, {{7, 1025}, 201, 60.0}};

std::int64_t plainReflect(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

std::vector<double> plainSmooth(const std::vector<float>& map, const Shape& s) {
  const int reach = s.taps / 2;
  std::vector<double> taps;
  double sum = 0.0;
  for (int k = -reach; k <= reach; ++k) sum += taps.emplace_back(std::exp(-0.5 * k * k / (s.sigma * s.sigma)));
  std::vector<double> down(map.size(), 0.0), out(map.size(), 0.0);
  for (std::int64_t y = 0; y < s.size.height; ++y) {
    for (std::int64_t x = 0; x < s.size.width; ++x) {
      for (int k = -reach; k <= reach; ++k) {
        const auto from = plainReflect(y + k, s.size.height) * s.size.width + x;
        down[static_cast<std::size_t>(y * s.size.width + x)] +=
            at(taps, k + reach) / sum * static_cast<double>(at(map, from));
      }
    }
  }
  for (std::int64_t y = 0; y < s.size.height; ++y) {
    for (std::int64_t x = 0; x < s.size.width; ++x) {
      for (int k = -reach; k <= reach; ++k) {
        out[static_cast<std::size_t>(y * s.size.width + x)] +=
            at(taps, k + reach) / sum * at(down, y * s.size.width + plainReflect(x + k, s.size.width));
      }
    }
  }
  return out;
}

TEST(Smooth, IsThePlainGaussianWithReflectedBorders) {
  for (const auto& s : kShapes) {
    const auto map = Random(6).floats(s.size.height * s.size.width);
    const auto out = onEveryBackend<float>(s.size.height * s.size.width, [&](Backend& b, Guarded<float>& o) {
      b.smooth({map.data(), s.size, s.taps, s.sigma, o.data()}, never());
    });
    const auto plain = plainSmooth(map, s);
    for (std::int64_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(out[i]), at(plain, i), 1e-5)
          << s.size.height << " x " << s.size.width << " at " << i;
    }
  }
}

TEST(Smooth, NeverExceedsOne) {
  for (const auto& s : kShapes) {
    const std::vector<float> ones(static_cast<std::size_t>(s.size.height * s.size.width), 1.0F);
    const auto out = onEveryBackend<float>(s.size.height * s.size.width, [&](Backend& b, Guarded<float>& o) {
      b.smooth({ones.data(), s.size, s.taps, s.sigma, o.data()}, never());
    });
    for (std::int64_t i = 0; i < out.size(); ++i) ASSERT_TRUE(out[i] <= 1.0F && out[i] > 0.99999F) << out[i];
  }
  for (int taps = 1; taps < 400; taps += 2) {
    for (const double sigma : {0.3, 1.0, 5.0, 77.0}) {
      const float one = smoothedOne(gaussianHalf(taps, sigma));
      ASSERT_TRUE(one <= 1.0F && one > 0.999995F) << taps << " taps, sigma " << sigma << ": " << one;
    }
  }
}

}  // namespace
}  // namespace sess::test

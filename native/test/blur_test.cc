#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size size;
  int taps;
  double sigma;
};

const Shape kShapes[] = {{{1, 1}, 51, 50.0},  {{9, 13}, 51, 50.0},  {{60, 70}, 51, 50.0},
                         {{33, 40}, 11, 5.0}, {{2, 300}, 7, 0.5},   {{40, 1}, 3, 1.0},
                         {{5, 5}, 1, 1.0},    {{3, 1100}, 51, 8.0}, {{1100, 3}, 51, 8.0}};

std::int64_t reflected(std::int64_t i, std::int64_t n) {
  while (n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
  return n == 1 ? 0 : i;
}

/** Both passes of one channel, in double. */
std::vector<double> plainBlur(const std::vector<double>& plane, const Shape& s) {
  const std::int64_t reach = s.taps / 2;
  std::vector<double> taps;
  double sum = 0.0;
  for (std::int64_t k = -reach; k <= reach; ++k) {
    taps.push_back(std::exp(-static_cast<double>(k * k) / (2.0 * s.sigma * s.sigma)));
    sum += taps.back();
  }
  auto down = plane, out = plane;
  for (const bool along : {false, true}) {
    const auto& from = along ? down : plane;
    for (std::int64_t y = 0; y < s.size.height; ++y) {
      for (std::int64_t x = 0; x < s.size.width; ++x) {
        double v = 0.0;
        for (std::int64_t k = -reach; k <= reach; ++k) {
          const std::int64_t r = along ? y : reflected(y + k, s.size.height);
          const std::int64_t c = along ? reflected(x + k, s.size.width) : x;
          v += at(taps, k + reach) / sum * at(from, r * s.size.width + c);
        }
        (along ? out : down)[static_cast<std::size_t>(y * s.size.width + x)] = v;
      }
    }
  }
  return out;
}

TEST(Blur, IsThePlainGaussianOfEachChannelInBothLayouts) {
  for (const auto& s : kShapes) {
    const std::int64_t pixels = s.size.height * s.size.width, rows = 2;
    const auto images = Random(5).floats(rows * 3 * pixels, -2.0, 2.0);
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      const auto out = onEveryBackend<float>(rows * 3 * pixels, [&](Backend& b, Guarded<float>& o) {
        b.blur({{images.data(), s.size, layout}, rows, s.taps, s.sigma, o.data()}, never());
      });
      for (std::int64_t channel = 0; channel < rows * 3; ++channel) {
        const auto place = [&](std::int64_t p) {
          return layout == Layout::nchw ? channel * pixels + p : (channel / 3 * pixels + p) * 3 + channel % 3;
        };
        std::vector<double> plane;
        for (std::int64_t p = 0; p < pixels; ++p) plane.push_back(static_cast<double>(at(images, place(p))));
        const auto plain = plainBlur(plane, s);
        for (std::int64_t p = 0; p < pixels; ++p) {
          ASSERT_NEAR(static_cast<double>(out[place(p)]), at(plain, p), 2e-6) << s.size.width << " at " << p;
        }
      }
    }
  }
}

TEST(Blur, AValueThatIsNaNStaysInItsChannel) {
  const Size size{20, 20};
  for (const auto layout : {Layout::nchw, Layout::nhwc}) {
    auto images = Random(6).floats(2 * 1200);
    images[1200] = std::numeric_limits<float>::quiet_NaN();  // the second image's first channel, top left
    const auto out = onEveryBackend<float>(2 * 1200, [&](Backend& b, Guarded<float>& o) {
      b.blur({{images.data(), size, layout}, 2, 5, 2.0, o.data()}, never());
    });
    for (std::int64_t i = 0; i < 2400; ++i) {
      const std::int64_t inside = i - 1200, p = layout == Layout::nchw ? inside : inside / 3;
      const bool first = i >= 1200 && (layout == Layout::nchw ? inside < 400 : inside % 3 == 0);
      ASSERT_EQ(std::isnan(out[i]), first && p / 20 <= 2 && p % 20 <= 2) << i;
    }
  }
}

}  // namespace
}  // namespace sess::test

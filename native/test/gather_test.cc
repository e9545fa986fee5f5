#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size band, window;
  std::vector<std::int32_t> origins;
};

const Shape kShapes[] = {
    {{20, 31}, {7, 9}, {0, 0, 13, 22, 5, 1, 5, 1}},
    {{8, 8}, {8, 8}, {0, 0}},
    {{1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{200, 40}, {150, 40}, {0, 0, 50, 0, 25, 0}},
    {{5, 300}, {5, 64}, {0, 236, 0, 0}},
    {{5, 5}, {2, 2}, {}},
};

TEST(Gather, CutsEachWindowWhereItsOriginSays) {
  for (const auto& s : kShapes) {
    const auto band = Random(1).floats(3 * s.band.height * s.band.width);
    const auto windows = static_cast<std::int64_t>(s.origins.size() / 2);
    const std::int64_t pixels = s.window.height * s.window.width;
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      const auto out = onEveryBackend<float>(windows * 3 * pixels, [&](Backend& b, Guarded<float>& o) {
        b.gather({band.data(), s.band, s.window, s.origins, layout, o.data()}, never());
      });
      for (std::int64_t i = 0; i < out.size(); ++i) {
        const std::int64_t k = i / (3 * pixels), rest = i % (3 * pixels);
        const bool planar = layout == Layout::nchw;
        const std::int64_t c = planar ? rest / pixels : rest % 3, p = planar ? rest % pixels : rest / 3;
        const std::int64_t y = at(s.origins, 2 * k) + p / s.window.width,
                           x = at(s.origins, 2 * k + 1) + p % s.window.width;
        ASSERT_EQ(out[i], at(band, (c * s.band.height + y) * s.band.width + x)) << i;
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  Size size, square;
  std::vector<PlacedSquare> squares;
};

const Shape kShapes[] = {
    {{1, 1}, {1, 1}, {{0, 0, 0}, {1, 0, 0}}},
    {{9, 31}, {4, 5}, {{0, 0, 0}, {1, 5, 26}, {1, 3, 7}}},
    {{200, 17}, {80, 3}, {{1, 120, 14}, {0, 60, 0}, {1, 60, 5}, {1, 60, 5}}},
    {{64, 64}, {64, 64}, {{1, 0, 0}}},
    {{130, 2}, {1, 2}, {{0, 63, 0}, {0, 64, 0}, {0, 129, 0}}},
    {{5, 5}, {2, 2}, {}},
};

TEST(Occlude, CopiesAnImageWithoutASquare) {
  for (const auto& s : kShapes) {
    const std::int64_t pixels = s.size.height * s.size.width, each = 3 * pixels;
    auto images = Random(12).floats(2 * each, 0.5, 1.0);
    images[0] = std::numeric_limits<float>::infinity();
    for (const auto layout : {Layout::nchw, Layout::nhwc}) {
      const auto out =
          onEveryBackend<float>(static_cast<std::int64_t>(s.squares.size()) * each, [&](Backend& b, Guarded<float>& o) {
            b.occlude({{images.data(), s.size, layout}, s.square, s.squares, o.data()}, never());
          });
      for (std::int64_t i = 0; i < out.size(); ++i) {
        const PlacedSquare square = at(s.squares, i / each);
        const std::int64_t p = layout == Layout::nchw ? i % pixels : i % each / 3;
        const std::int64_t y = p / s.size.width - square.y, x = p % s.size.width - square.x;
        const bool gone = y >= 0 && y < s.square.height && x >= 0 && x < s.square.width;
        ASSERT_EQ(out[i], gone ? 0.0F : at(images, square.row * each + i % each)) << s.size.width << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

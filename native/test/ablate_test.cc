#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  std::int64_t outer, channels, inner;
};

const Shape kShapes[] = {{1, 1, 1},      {1, 7, 1},     {1, 5, 49},    {49, 5, 1},    {197, 33, 1},
                         {3, 4, 5},      {1, 2, 70000}, {70000, 2, 1}, {300, 3, 101}, {1, 2048, 49},
                         {1, 131072, 1}, {2, 1, 65536}, {5, 65537, 1}};

TEST(Ablate, CopiesARowWithoutOneChannel) {
  for (const auto& s : kShapes) {
    Random random(7);
    const std::int64_t each = s.outer * s.channels * s.inner;
    auto activations = random.floats(2 * each, 0.5, 1.0);
    activations[0] = std::numeric_limits<float>::infinity();
    const auto last = static_cast<std::int32_t>(s.channels - 1);
    const std::vector<Copy> copies{{1, last}, {0, 0}, {1, last / 2}, {1, last}};
    const auto out = onEveryBackend<float>(4 * each, [&](Backend& b, Guarded<float>& o) {
      b.ablate({activations.data(), s.outer, s.channels, s.inner, copies, o.data()}, never());
    });
    for (std::int64_t k = 0; k < 4; ++k) {
      const Copy copy = at(copies, k);
      for (std::int64_t i = 0; i < each; ++i) {
        const bool gone = i / s.inner % s.channels == copy.what;
        ASSERT_EQ(out[k * each + i], gone ? 0.0F : at(activations, copy.row * each + i)) << s.channels << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

#include "support.h"

namespace sess::test {
namespace {

TEST(Flatten, BlendsEveryValueAndOpacityOntoWhite) {
  std::vector<std::uint8_t> rgba;
  for (int a = 0; a < 256; ++a) {
    for (int v = 0; v < 256; ++v) {
      for (const int b : {v, 255 - v, v / 2, a}) rgba.push_back(static_cast<std::uint8_t>(b));
    }
  }
  for (const std::int64_t pixels : {65536, 65535, 1, 7, 0}) {
    const auto rgb = onEveryBackend<std::uint8_t>(pixels * 3, [&](Backend& b, Guarded<std::uint8_t>& o) {
      b.flatten({rgba.data(), o.data(), pixels}, never());
    });
    for (std::int64_t i = 0; i < rgb.size(); ++i) {
      const int v = at(rgba, i / 3 * 4 + i % 3), a = at(rgba, i / 3 * 4 + 3);
      ASSERT_EQ(rgb[i], (v * a + 255 * (255 - a) + 127) / 255) << v << " at opacity " << a;
    }
  }
}

}  // namespace
}  // namespace sess::test

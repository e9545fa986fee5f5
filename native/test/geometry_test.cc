#include "core/geometry.h"

#include "support.h"

namespace sess::test {
namespace {

TEST(Geometry, FractionsAreExactlyZeroWhereTheyAre) {
  for (const std::int64_t n : {1, 3, 224, 99991}) {
    for (std::int64_t i = 0; i < n; i += 1 + n / 7) {
      EXPECT_EQ(bilinearPosition(i, n, n).left, i);
      EXPECT_EQ(bilinearPosition(i, n, n).fraction, 0.0);
      EXPECT_EQ(bilinearPosition(i, 3 * n, n).left, 3 * i + 1);
      EXPECT_EQ(bilinearPosition(i, 3 * n, n).fraction, 0.0);
    }
  }
}

TEST(Geometry, PositionsBeforeTheFirstCentreHaveTheNeighbourMinusOne) {
  const auto p = bilinearPosition(0, 7, 224);
  EXPECT_EQ(p.left, -1);
  EXPECT_DOUBLE_EQ(p.fraction, 1.0 + (7.0 - 224.0) / 448.0);
}

TEST(Geometry, LongStripsDoNotOverflow) {
  const std::int64_t n = std::int64_t{1} << 31;
  EXPECT_EQ(bilinearPosition(n - 1, n / 2, n).left, n / 2 - 1);
}

TEST(Geometry, ReflectionsRepeatUntilTheyFallInside) {
  for (std::int64_t n = 1; n < 9; ++n) {
    for (std::int64_t i = -30; i < 30; ++i) {
      std::int64_t j = i;
      while (n > 1 && (j < 0 || j >= n)) j = j < 0 ? -j : 2 * (n - 1) - j;
      EXPECT_EQ(reflect101(i, n), n == 1 ? 0 : j);
    }
  }
}

TEST(Geometry, APlateauStaysOne) {
  for (const float f : {0.0F, 0.3F, 0.99999994F}) {
    for (const float a : {0.1F, 1e-30F, 3e30F}) EXPECT_EQ(a + f * (a - a), a);
  }
}

}  // namespace
}  // namespace sess::test

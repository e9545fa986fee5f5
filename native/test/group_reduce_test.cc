#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  std::int64_t rows, channels, samples, groups;
};

const Shape kShapes[] = {{1, 1, 1, 1},   {3, 5, 1, 2},    {2, 7, 9, 7},      {2, 33, 49, 4}, {1, 64, 35, 1},
                         {2, 9, 513, 3}, {1, 4, 4096, 2}, {3, 2048, 49, 32}, {2, 3, 49, 8},  {1, 20, 1025, 20}};

std::vector<std::int32_t> someGroups(const Shape& s, Random& random) {
  std::vector<std::int32_t> assignment;
  for (std::int64_t i = 0; i < s.rows * s.channels; ++i) {
    assignment.push_back(static_cast<std::int32_t>(random.below(s.groups + 1)) - 1);
  }
  return assignment;
}

TEST(GroupReduce, IsTheRectifiedSumOfEachGroup) {
  for (const auto& s : kShapes) {
    Random random(3);
    const auto a = random.floats(s.rows * s.channels * s.samples), w = random.floats(s.rows * s.channels, -1.0, 1.0);
    const auto assignment = someGroups(s, random);
    const auto out = onEveryBackend<float>(s.rows * s.groups * s.samples, [&](Backend& b, Guarded<float>& o) {
      b.groupReduce({a.data(), w.data(), s.rows, s.channels, s.samples, s.groups, assignment, o.data()}, never());
    });
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const std::int64_t row = i / (s.groups * s.samples), group = i / s.samples % s.groups, p = i % s.samples;
      double sum = 0.0, size = 1e-3;
      for (std::int64_t c = 0; c < s.channels; ++c) {
        if (at(assignment, row * s.channels + c) != group) continue;
        const double term = static_cast<double>(at(w, row * s.channels + c)) *
                            static_cast<double>(at(a, (row * s.channels + c) * s.samples + p));
        sum += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(static_cast<double>(out[i]), std::max(sum, 0.0), 1e-6 * size) << s.samples << " at " << i;
    }
  }
}

TEST(GroupReduce, ChannelsOfNoGroupAreNotRead) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a{nan, nan, 1.0F, 2.0F, nan, nan}, w{1.0F, 0.5F, 1.0F};
  const std::vector<std::int32_t> assignment{-1, 1, -1};
  const auto out = onEveryBackend<float>(4, [&](Backend& b, Guarded<float>& o) {
    b.groupReduce({a.data(), w.data(), 1, 3, 2, 2, assignment, o.data()}, never());
  });
  EXPECT_EQ(out.values(), (std::vector<float>{0.0F, 0.0F, 0.5F, 1.0F}));
}

TEST(GroupReduce, AGroupThatIsNotFiniteStaysSo) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto a = Random(4).floats(4 * 49, 0.1);
    a[60] = bad;
    const std::vector<float> w(4, 1.0F);
    const std::vector<std::int32_t> assignment{0, 1, 1, 0};
    const auto out = onEveryBackend<float>(2 * 49, [&](Backend& b, Guarded<float>& o) {
      b.groupReduce({a.data(), w.data(), 1, 4, 49, 2, assignment, o.data()}, never());
    });
    for (std::int64_t i = 0; i < 98; ++i) ASSERT_EQ(std::isfinite(out[i]), i != 60) << i;
  }
}

}  // namespace
}  // namespace sess::test

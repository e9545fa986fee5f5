#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  std::int64_t channels, samples;
};

const Shape kShapes[] = {{1, 1}, {3, 1}, {1, 2}, {5, 7}, {70, 49}, {2048, 49}, {3, 128 * 128}, {2, 100003}};

Guarded<float> rangesOf(const std::vector<float>& features, const Shape& s) {
  return onEveryBackend<float>(3 * s.channels, [&](Backend& b, Guarded<float>& o) {
    b.channelRanges({features.data(), s.channels, s.samples, o.data()}, never());
  });
}

TEST(ChannelRanges, AreTheExtremesAndTheVariance) {
  for (const auto& s : kShapes) {
    const auto features = Random(1).floats(s.channels * s.samples, -3.0, 5.0);
    const auto ranges = rangesOf(features, s);
    for (std::int64_t c = 0; c < s.channels; ++c) {
      float lo = at(features, c * s.samples), hi = lo;
      double sum = 0.0, squares = 0.0;
      for (std::int64_t i = 0; i < s.samples; ++i) {
        const float v = at(features, c * s.samples + i);
        lo = std::min(lo, v);
        hi = std::max(hi, v);
        sum += static_cast<double>(v);
        squares += static_cast<double>(v) * static_cast<double>(v);
      }
      const double n = static_cast<double>(s.samples), variance = squares / n - sum / n * (sum / n);
      ASSERT_EQ(ranges[3 * c], lo) << s.samples << ", channel " << c;
      ASSERT_EQ(ranges[3 * c + 1], hi);
      ASSERT_NEAR(static_cast<double>(ranges[3 * c + 2]), variance, 1e-5);
    }
  }
}

TEST(ChannelRanges, AFlatChannelHasNoVariance) {
  for (const float value : {0.0F, 0.1F, -1e30F, 3e-42F}) {
    for (const auto& s : kShapes) {
      const auto ranges = rangesOf(std::vector<float>(static_cast<std::size_t>(s.channels * s.samples), value), s);
      for (std::int64_t c = 0; c < s.channels; ++c) {
        ASSERT_EQ(ranges[3 * c], value);
        ASSERT_EQ(ranges[3 * c + 1], value);
        ASSERT_EQ(ranges[3 * c + 2], 0.0F);
      }
    }
  }
}

TEST(ChannelRanges, AChannelThatIsNotFiniteIsNaNAlone) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), inf, -inf}) {
    for (const auto& s : kShapes) {
      auto features = Random(2).floats(s.channels * s.samples);
      const auto clean = rangesOf(features, s);
      const std::int64_t hit = s.channels / 2;
      features[static_cast<std::size_t>((hit + 1) * s.samples - 1)] = bad;
      const auto ranges = rangesOf(features, s);
      for (std::int64_t i = 0; i < 3 * s.channels; ++i) {
        if (i / 3 == hit) {
          ASSERT_TRUE(std::isnan(ranges[i]));
        } else {
          ASSERT_EQ(ranges[i], clean[i]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

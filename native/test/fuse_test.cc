#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "fusion_cases.h"

namespace sess::test {
namespace {

void expectPlain(const FusionCase& c, Fusion mode, float theta) {
  const std::int64_t n = c.shape.photo.height * c.shape.photo.width;
  const auto out =
      onEveryBackend<float>(n, [&](Backend& b, Guarded<float>& o) { b.fuse(c.args(mode, theta, o.data()), never()); });
  std::vector<bool> near;
  const auto plain = plainFuse(c.args(mode, theta, nullptr), near);
  double worst = 0.0;
  std::int64_t where = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = std::fabs(static_cast<double>(out[i]) - at(plain, i));
    if (!at(near, i) && !(d <= worst)) {
      worst = d;
      where = i;
    }
  }
  EXPECT_LE(worst, 1e-5) << c.shape.what << " at pixel " << where << ": " << out[where] << " for " << at(plain, where);
}

TEST(Fuse, IsThePlainLoopForEveryShapeModeAndTheta) {
  unsigned seed = 1;
  for (const auto& shape : fusionShapes()) {
    SCOPED_TRACE(shape.what);
    const FusionCase c(shape, seed++);
    expectPlain(c, Fusion::mean, 0.0F);
    expectPlain(c, Fusion::mean, 0.2F);
    expectPlain(c, Fusion::max, 0.0F);
    expectPlain(c, Fusion::average, 0.0F);
  }
}

TEST(Fuse, IsThePlainLoopForRandomShapes) {
  Random random(99);
  const auto size = [&](std::int64_t most) { return 1 + random.below(most); };
  for (unsigned i = 0; i < 60; ++i) {
    FusionShape shape{"random", {size(70), size(90)}, {size(24), size(24)}, {size(9), size(9)}, {}, 1, 1};
    for (std::int64_t l = size(3); l > 0; --l) {
      shape.levels.push_back({shape.window.height + random.below(90), shape.window.width + random.below(90)});
    }
    shape.stepY = static_cast<std::int32_t>((shape.window.height + 1) / 2);
    shape.stepX = static_cast<std::int32_t>(shape.window.width);
    SCOPED_TRACE(i);
    const FusionCase c(shape, i);
    expectPlain(c, Fusion::mean, 0.0F);
    expectPlain(c, i % 2 == 0 ? Fusion::max : Fusion::average, 0.0F);
  }
}

TEST(Fuse, RectifiedMapsAreThePlainLoopToo) {
  unsigned seed = 30;
  for (const auto& shape : fusionShapes()) {
    SCOPED_TRACE(shape.what);
    FusionCase c(shape, seed++);
    for (auto& m : c.maps) m -= 0.4F;  // maps of every sign, and flat ones below 0
    c.rectify = true;
    for (const auto mode : {Fusion::mean, Fusion::max, Fusion::average}) expectPlain(c, mode, 0.0F);
  }
}

TEST(Fuse, CountsWhatThePlainLoopCountsOnThePapersPlan) {
  FusionShape shape{"the paper's twelve levels", {224, 224}, {224, 224}, {7, 7}, {}, 224, 224};
  for (std::int64_t i = 0; i < 12; ++i) shape.levels.push_back({224 + 64 * i, 224 + 64 * i});
  const FusionCase c(shape, 3);
  ASSERT_EQ(c.windows.size(), 122U);
  expectPlain(c, Fusion::mean, 0.0F);
}

TEST(Fuse, TinyWeightsStillCount) {
  FusionCase c(fusionShapes()[1], 5);
  std::fill(c.weights.begin(), c.weights.end(), 1e-30F);
  c.weights[0] = 1.0F;
  expectPlain(c, Fusion::mean, 0.0F);
}

TEST(Fuse, NoWindowsGiveZeros) {
  FusionCase c(fusionShapes()[1], 5);
  c.windows.clear();
  c.weights.clear();
  for (const auto mode : {Fusion::mean, Fusion::max, Fusion::average}) {
    const auto out = onEveryBackend<float>(c.shape.photo.height * c.shape.photo.width,
                                           [&](Backend& b, auto& o) { b.fuse(c.args(mode, 0.0F, o.data()), never()); });
    for (std::int64_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], 0.0F);
  }
}

TEST(Fuse, MapsThatAreNotFiniteDoNotWriteOutside) {
  FusionCase c(fusionShapes()[3], 6);
  for (std::size_t i = 0; i < c.maps.size(); i += 11) c.maps[i] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 5; i < c.maps.size(); i += 13) c.maps[i] = std::numeric_limits<float>::infinity();
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  Guarded<float> out(c.shape.photo.height * c.shape.photo.width);
  backend->fuse(c.args(Fusion::mean, 0.0F, out.data()), never());
  EXPECT_TRUE(out.intact());
}

TEST(Fuse, ATinyRangeIsNormalisedLikeAnyOther) {
  FusionCase c(fusionShapes()[2], 7);
  for (auto& m : c.maps) m *= 1e-39F;  // 1 / range would overflow
  const auto out = onEveryBackend<float>(c.shape.photo.height * c.shape.photo.width, [&](Backend& b, auto& o) {
    b.fuse(c.args(Fusion::max, 0.0F, o.data()), never());
  });
  for (std::int64_t i = 0; i < out.size(); ++i) ASSERT_TRUE(out[i] >= 0.0F && out[i] <= 1.0F) << i;
}

TEST(Fuse, CancelStopsIt) {
  const FusionCase c(fusionShapes()[0], 8);
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  const CancelFlag now{true};
  Guarded<float> out(c.shape.photo.height * c.shape.photo.width);
  try {
    backend->fuse(c.args(Fusion::mean, 0.0F, out.data()), now);
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::aborted);
  }
}

}  // namespace
}  // namespace sess::test

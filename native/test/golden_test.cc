// The reference implementation's outputs (golden/fusion_*): 35 windows of 64, step 40, on a 301 x 517 photo.
#include <algorithm>
#include <cmath>

#include "npy.h"
#include "support.h"

namespace sess::test {
namespace {

std::string folder() {
  const char* shared = std::getenv("SESS_SHARED");
  return std::string(shared != nullptr ? shared : SESS_SOURCE "/../shared") + "/golden/";
}

struct Scene {
  Size photo{301, 517}, window{64, 64};
  std::int32_t step = 40;
  std::vector<Size> levels;
  std::vector<PlacedWindow> windows;

  Scene() {
    for (const std::int64_t s : {64, 82, 101, 137}) levels.push_back({s, s * photo.width / photo.height});
    for (std::size_t l = 0; l < levels.size(); ++l) {
      for (const auto y : places(levels[l].height)) {
        for (const auto x : places(levels[l].width)) {
          const auto k = static_cast<std::int32_t>(windows.size());
          windows.push_back({k, static_cast<std::int32_t>(l), y, x});
        }
      }
    }
  }

  [[nodiscard]] std::vector<std::int32_t> places(std::int64_t length) const {
    std::vector<std::int32_t> all;
    const auto last = static_cast<std::int32_t>(length - window.width);
    for (std::int32_t at = 0;; at += step) {
      all.push_back(std::min(at, last));
      if (at >= last) return all;
    }
  }
};

class Golden : public testing::Test {
 protected:
  void SetUp() override {
    const auto m = readNpy(folder() + "fusion_small_maps.npy"), w = readNpy(folder() + "fusion_weights.npy");
    if (!m || !w) GTEST_SKIP() << "no goldens in " << folder();
    maps_ = *m;
    weights_ = *w;
    ASSERT_EQ(scene_.windows.size(), maps_.data.size() / 49);
  }

  Guarded<float> fused(Fusion mode, float theta) {
    return onEveryBackend<float>(scene_.photo.height * scene_.photo.width, [&](Backend& b, Guarded<float>& out) {
      b.fuse({.maps = maps_.data.data(),
              .grid = {7, 7},
              .window = scene_.window,
              .levels = scene_.levels,
              .windows = scene_.windows,
              .weights = weights_.data,
              .mode = mode,
              .theta = theta,
              .rectify = false,
              .photoSize = scene_.photo,
              .out = out.data()},
             never());
    });
  }

  void expectGolden(const Guarded<float>& out, const std::string& name) {
    const auto golden = readNpy(folder() + name);
    ASSERT_TRUE(golden) << name;
    ASSERT_EQ(static_cast<std::int64_t>(golden->data.size()), out.size());
    double worst = 0.0;
    for (std::int64_t i = 0; i < out.size(); ++i) {
      worst = std::max(worst, std::fabs(static_cast<double>(out[i]) - static_cast<double>(at(golden->data, i))));
    }
    EXPECT_LT(worst, 1e-5) << name;
    RecordProperty("worst", std::to_string(worst));
  }

  Scene scene_;
  Npy maps_, weights_;
};

TEST_F(Golden, MeanFusionIsTheReferences) { expectGolden(fused(Fusion::mean, 0.0F), "fusion_mean_0.0.npy"); }
TEST_F(Golden, MeanFusionAboveThetaIsTheReferences) { expectGolden(fused(Fusion::mean, 0.2F), "fusion_mean_0.2.npy"); }
TEST_F(Golden, MaxFusionIsTheReferences) { expectGolden(fused(Fusion::max, 0.0F), "fusion_max_0.0.npy"); }
TEST_F(Golden, AverageFusionIsTheReferences) { expectGolden(fused(Fusion::average, 0.0F), "fusion_average_0.0.npy"); }

TEST_F(Golden, SmoothedFusionIsTheReferences) {
  const auto map = fused(Fusion::mean, 0.0F);
  expectGolden(onEveryBackend<float>(map.size(),
                                     [&](Backend& b, Guarded<float>& out) {
                                       b.smooth({map.data(), scene_.photo, 11, 5.0, out.data()}, never());
                                     }),
               "fusion_smoothed_mean_0.0.npy");
}

}  // namespace
}  // namespace sess::test

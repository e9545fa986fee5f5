#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "fusion_cases.h"

namespace sess::test {
namespace {

const Fusion kModes[] = {Fusion::mean, Fusion::max, Fusion::average};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/** Windows [from, to) of a fusion. */
FoldArgs part(const FuseArgs& all, std::size_t from, std::size_t to, double rescale, float* sums) {
  FuseArgs some = all;
  some.windows = all.windows.subspan(from, to - from);
  some.weights = all.weights.subspan(from, to - from);
  return {some, rescale, sums};
}

/** Folds the windows that end at each of `ends` into memory that held NaN, then finishes. */
Guarded<float> inParts(Backend& backend, const FuseArgs& all, const std::vector<std::size_t>& ends) {
  const std::int64_t pixels = all.photoSize.height * all.photoSize.width;
  Guarded<float> sums(2 * pixels), out(pixels);
  std::fill_n(sums.data(), 2 * pixels, kNaN);
  std::size_t from = 0;
  for (const std::size_t end : ends) {
    backend.fold(part(all, from, end, from == 0 ? 0.0 : 1.0, sums.data()), never());
    from = end;
  }
  const auto windows = static_cast<std::int64_t>(all.windows.size());
  backend.finish({sums.data(), pixels, all.mode, windows, out.data()}, never());
  EXPECT_TRUE(sums.intact());
  EXPECT_TRUE(out.intact());
  return out;
}

TEST(Fold, AnyPartitionGivesTheBitsOfFuse) {
  unsigned seed = 1;
  for (const auto& shape : fusionShapes()) {
    SCOPED_TRACE(shape.what);
    const FusionCase c(shape, seed++);
    Random random(seed);
    const std::size_t n = c.windows.size();
    std::vector<std::vector<std::size_t>> partitions{{n}, {(n + 1) / 2, n}, {}};
    for (std::size_t end = 0; end < n;) {
      end = std::min(n, end + 1 + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(n / 4 + 2))));
      partitions[2].push_back(end);
    }
    for (const Fusion mode : kModes) {
      for (const float theta : {0.0F, 0.2F}) {
        if (theta > 0.0F && mode != Fusion::mean) continue;
        for (const auto& ends : partitions) {
          const auto whole = onEveryBackend<float>(shape.photo.height * shape.photo.width, [&](Backend& b, auto& o) {
            o = inParts(b, c.args(mode, theta, nullptr), ends);
          });
          Guarded<float> fused(whole.size());
          cpu::makeBackend(2, cpu::Simd::baseline)->fuse(c.args(mode, theta, fused.data()), never());
          ASSERT_TRUE(whole.sameBits(fused)) << "mode " << static_cast<int>(mode) << " in " << ends.size();
        }
      }
    }
  }
}

TEST(Fold, RescaledSumsAreThoseOfTheFinalWeights) {
  unsigned seed = 40;
  for (const auto& shape : fusionShapes()) {
    SCOPED_TRACE(shape.what);
    FusionCase c(shape, seed++);
    Random random(seed);
    std::vector<double> logs(c.weights.size());
    for (auto& l : logs) l = -3.0 * random.uniform();
    const double best = *std::max_element(logs.begin(), logs.end());
    const std::int64_t pixels = shape.photo.height * shape.photo.width;
    const std::size_t run = std::max<std::size_t>(1, logs.size() / 5);
    for (const Fusion mode : kModes) {
      const auto out = onEveryBackend<float>(pixels, [&](Backend& b, Guarded<float>& o) {
        Guarded<float> sums(2 * pixels);
        double top = 0.0;
        for (std::size_t from = 0; from < logs.size(); from += run) {
          const std::size_t to = std::min(logs.size(), from + run);
          double higher = from == 0 ? -1e300 : top;
          for (std::size_t k = from; k < to; ++k) higher = std::max(higher, at(logs, static_cast<std::int64_t>(k)));
          for (std::size_t k = from; k < to; ++k) c.weights[k] = static_cast<float>(std::exp(logs[k] - higher));
          const double rescale = from == 0 ? 0.0 : std::exp(top - higher);
          b.fold(part(c.args(mode, 0.0F, nullptr), from, to, rescale, sums.data()), never());
          top = higher;
        }
        b.finish({sums.data(), pixels, mode, static_cast<std::int64_t>(logs.size()), o.data()}, never());
        EXPECT_TRUE(sums.intact());
      });
      for (std::size_t k = 0; k < logs.size(); ++k) c.weights[k] = static_cast<float>(std::exp(logs[k] - best));
      std::vector<bool> near;
      const auto plain = plainFuse(c.args(mode, 0.0F, nullptr), near);
      for (std::int64_t i = 0; i < pixels; ++i) ASSERT_NEAR(static_cast<double>(out[i]), at(plain, i), 1e-5) << i;
    }
  }
}

TEST(Fold, ARescaleThatUnderflowsKeepsTheCount) {
  const FusionCase c(fusionShapes()[2], 3);
  const std::int64_t pixels = 20 * 27;
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  const auto all = c.args(Fusion::mean, 0.0F, nullptr);
  Guarded<float> sums(2 * pixels);
  backend->fold(part(all, 0, all.windows.size(), 0.0, sums.data()), never());
  const auto before = sums.values();
  EXPECT_GT(*std::max_element(before.begin(), before.end()), 1.0F);
  backend->fold(part(all, 0, 0, 1e-200, sums.data()), never());
  for (std::int64_t i = 0; i < pixels; ++i) {
    ASSERT_EQ(sums[i], 0.0F);
    ASSERT_EQ(sums[pixels + i], at(before, pixels + i));
  }
}

TEST(Fold, OnlyAMeanTouchesTheCount) {
  const FusionCase c(fusionShapes()[3], 4);
  const std::int64_t pixels = 37 * 53;
  const float pattern = Guarded<float>(1)[0];
  for (const Fusion mode : {Fusion::max, Fusion::average}) {
    for (const double rescale : {0.0, 0.5, 1.0}) {
      const auto sums = onEveryBackend<float>(2 * pixels, [&](Backend& b, Guarded<float>& o) {
        b.fold({c.args(mode, 0.0F, nullptr), rescale, o.data()}, never());
      });
      for (std::int64_t i = 0; i < pixels; ++i) ASSERT_EQ(sums[pixels + i], pattern);
    }
  }
}

TEST(Fold, MapsOfTheWindowsOwnSizeAreReadAsTheyAre) {
  for (const Size size : {Size{1, 2}, Size{17, 31}, Size{64, 64}, Size{7, 1500}}) {
    const std::int64_t pixels = size.height * size.width;
    auto map = Random(9).rectified(pixels);
    map[0] = 0.0F;
    map[1] = 1.0F;
    const std::vector<Size> levels{size};
    const std::vector<PlacedWindow> windows{{0, 0, 0, 0}};
    const std::vector<float> weights{1.0F};
    for (const Fusion mode : kModes) {
      const auto out = onEveryBackend<float>(pixels, [&](Backend& b, Guarded<float>& o) {
        o = inParts(b, {map.data(), size, size, levels, windows, weights, mode, 0.0F, false, size, nullptr}, {1});
      });
      EXPECT_EQ(out.values(), map);
    }
  }
}

TEST(Fold, RectifiedMapsInPartsGiveTheBitsOfFuse) {
  for (const std::size_t which : {1U, 3U, 14U}) {
    FusionCase c(fusionShapes()[which], 11);
    for (auto& m : c.maps) m -= 0.4F;
    c.rectify = true;
    const std::size_t n = c.windows.size();
    const std::int64_t pixels = c.shape.photo.height * c.shape.photo.width;
    const auto parts = onEveryBackend<float>(pixels, [&](Backend& b, auto& o) {
      o = inParts(b, c.args(Fusion::mean, 0.0F, nullptr), {n / 2, n});
    });
    Guarded<float> fused(pixels);
    cpu::makeBackend(2, cpu::Simd::baseline)->fuse(c.args(Fusion::mean, 0.0F, fused.data()), never());
    EXPECT_TRUE(parts.sameBits(fused)) << c.shape.what;
  }
}

TEST(Fold, CancelStopsIt) {
  const FusionCase c(fusionShapes()[0], 8);
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  const CancelFlag now{true};
  Guarded<float> sums(2 * 56 * 56);
  for (const bool folds : {true, false}) {
    try {
      if (folds) backend->fold({c.args(Fusion::mean, 0.0F, nullptr), 0.0, sums.data()}, now);
      if (!folds) backend->finish({sums.data(), 56 * 56, Fusion::mean, 1, sums.data()}, now);
      ADD_FAILURE() << "not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::aborted);
    }
  }
}

TEST(Finish, DividesByTheCountOrTheWindows) {
  for (const std::int64_t pixels : {1, 15, 16, 17, 1000, 200003}) {
    auto sums = Random(2).floats(2 * pixels, 0.0, 9.0);
    for (std::int64_t i = 0; i < pixels; ++i) {
      float& count = sums[static_cast<std::size_t>(pixels + i)];
      count = i % 4 == 0 ? 0.0F : i % 100 == 1 ? 16777216.0F : std::floor(count) + 1.0F;
      if (i % 8 == 0) sums[static_cast<std::size_t>(i)] = 0.0F;
    }
    for (const Fusion mode : kModes) {
      const auto out = onEveryBackend<float>(pixels, [&](Backend& b, Guarded<float>& o) {
        b.finish({sums.data(), pixels, mode, 7, o.data()}, never());
      });
      for (std::int64_t i = 0; i < pixels; ++i) {
        const double sum = static_cast<double>(at(sums, i)), count = static_cast<double>(at(sums, pixels + i));
        const double mean = count > 0.0 ? sum / count : 0.0;
        const double exact = mode == Fusion::mean ? mean : mode == Fusion::max ? sum : sum / 7.0;
        ASSERT_EQ(out[i], static_cast<float>(exact)) << i;
      }
    }
  }
}

}  // namespace
}  // namespace sess::test

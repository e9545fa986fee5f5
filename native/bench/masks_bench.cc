// The ops of methods that ask the model about masked copies of a window.
#include <algorithm>

#include "bench.h"

namespace sess::bench {
namespace {

using test::Random;

constexpr Size kWindow{224, 224}, kGrid{7, 7};
constexpr std::int64_t kPixels = 224 * 224, kImage = 3 * kPixels, kBatch = 8;

/** A batch of copies of one row, each of its own channel. */
std::vector<Copy> copiesOfOne() {
  std::vector<Copy> copies;
  for (std::int32_t i = 0; i < kBatch; ++i) copies.push_back({0, 3 * i});
  return copies;
}

void channelRanges(benchmark::State& state) {
  const std::int64_t channels = kBatch * 2048;
  const auto features = Random(1).floats(channels * 49);
  std::vector<float> ranges(static_cast<std::size_t>(3 * channels));
  const auto op = [&] { backend().channelRanges({features.data(), channels, 49, ranges.data()}, never()); };
  run(state, 4.0 * static_cast<double>(features.size() + ranges.size()), op, [&] {
    const float lo = *std::min_element(features.begin() + 49, features.begin() + 98);
    return differs(static_cast<double>(ranges[3]), static_cast<double>(lo), 0.0);
  });
  state.SetLabel("8 x 2048 channels of 7x7");
}
BENCHMARK(channelRanges)->Unit(benchmark::kMillisecond)->UseRealTime();

void groupReduce(benchmark::State& state) {
  const std::int64_t channels = 2048, groups = 32;
  const auto a = Random(2).floats(kBatch * channels * 49), w = Random(3).floats(kBatch * channels);
  auto assignment = upTo(kBatch * channels);
  for (auto& group : assignment) group = group % 2048 / 64;
  std::vector<float> out(static_cast<std::size_t>(kBatch * groups * 49));
  const auto op = [&] {
    backend().groupReduce({a.data(), w.data(), kBatch, channels, 49, groups, assignment, out.data()}, never());
  };
  run(state, 4.0 * static_cast<double>(a.size() + w.size() + out.size()), op, [&] {
    double sum = 0.0;
    for (std::size_t c = 64; c < 128; ++c) sum += static_cast<double>(w[c]) * static_cast<double>(a[c * 49 + 5]);
    return differs(static_cast<double>(out[49 + 5]), sum, 1e-4);
  });
  state.SetLabel("8 x 2048 channels, 32 groups");
}
BENCHMARK(groupReduce)->Unit(benchmark::kMillisecond)->UseRealTime();

void maskBatch(benchmark::State& state) {
  const bool planar = state.range(0) == 0, blurred = state.range(1) == 1;
  const auto image = Random(4).floats(kImage), background = Random(5).floats(kImage),
             features = Random(6).floats(64 * 49);
  const auto copies = copiesOfOne();
  std::vector<float> out(static_cast<std::size_t>(kBatch * kImage));
  const auto op = [&] {
    backend().maskBatch({{image.data(), kWindow, planar ? Layout::nchw : Layout::nhwc},
                         blurred ? background.data() : nullptr,
                         features.data(),
                         64,
                         kGrid,
                         copies,
                         out.data()},
                        never());
  };
  run(state, 4.0 * static_cast<double>(image.size() + out.size()), op, [&] {
    const auto mask = test::plainMap(features.data() + 3 * 49, kGrid, kWindow);
    std::string fault;
    for (std::size_t i = 0; i < image.size() && fault.empty(); i += 97) {
      const double m = mask[planar ? i % mask.size() : i / 3], b = blurred ? static_cast<double>(background[i]) : 0.0;
      fault =
          differs(static_cast<double>(out[image.size() + i]), static_cast<double>(image[i]) * m + b * (1.0 - m), 1e-5);
    }
    return fault;
  });
  state.SetLabel(std::string("8 masks, ") + (planar ? "NCHW" : "NHWC") + (blurred ? ", on a background" : ""));
}
BENCHMARK(maskBatch)->Args({0, 0})->Args({0, 1})->Args({1, 0})->Unit(benchmark::kMillisecond)->UseRealTime();

void blur(benchmark::State& state) {
  const bool planar = state.range(0) == 0;
  const auto images = Random(7).floats(kImage);
  std::vector<float> out(images.size());
  const auto op = [&] {
    backend().blur({{images.data(), kWindow, planar ? Layout::nchw : Layout::nhwc}, 1, 51, 50.0, out.data()}, never());
  };
  run(state, 8.0 * static_cast<double>(images.size()), op, [&] {
    double sum = 0.0, taps = 0.0;
    for (std::int64_t i = -25; i <= 25; ++i) {
      for (std::int64_t j = -25; j <= 25; ++j) {
        const double w = std::exp(-static_cast<double>(i * i + j * j) / 5000.0);
        const std::int64_t p = (100 + i) * 224 + 100 + j;
        taps += w;
        sum += w * static_cast<double>(images[static_cast<std::size_t>(planar ? p : 3 * p)]);
      }
    }
    const std::int64_t p = 100 * 224 + 100;
    return differs(static_cast<double>(out[static_cast<std::size_t>(planar ? p : 3 * p)]), sum / taps, 1e-5);
  });
  state.SetLabel(planar ? "51 taps, NCHW" : "51 taps, NHWC");
}
BENCHMARK(blur)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void ablate(benchmark::State& state) {
  const bool planar = state.range(0) == 0;
  const std::int64_t channels = 2048, each = channels * 49;
  const auto activations = Random(8).floats(each, 0.5);
  const auto copies = copiesOfOne();
  std::vector<float> out(static_cast<std::size_t>(kBatch * each));
  const auto op = [&] {
    backend().ablate({activations.data(), planar ? 1 : 49, channels, planar ? 49 : 1, copies, out.data()}, never());
  };
  run(state, 4.0 * static_cast<double>(activations.size() + out.size()), op, [&] {
    const auto zeros = std::count(out.begin() + each, out.begin() + 2 * each, 0.0F);
    return differs(static_cast<double>(zeros), 49.0, 0.0);
  });
  state.SetLabel(planar ? "8 x 2048 channels of 7x7" : "8 x 7x7 places of 2048 channels");
}
BENCHMARK(ablate)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

constexpr RiseMasks kMasks{1, 7, 0.5};

void riseMask(benchmark::State& state) {
  const bool planar = state.range(0) == 0;
  const auto image = Random(9).floats(kImage);
  const auto copies = copiesOfOne();
  std::vector<float> out(static_cast<std::size_t>(kBatch * kImage));
  const auto op = [&] {
    backend().riseMask({{image.data(), kWindow, planar ? Layout::nchw : Layout::nhwc}, kMasks, copies, out.data()},
                       never());
  };
  run(state, 4.0 * static_cast<double>(image.size() + out.size()), op, [&] {
    double kept = 0.0, all = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      kept += static_cast<double>(out[i]);
      all += static_cast<double>(image[i % image.size()]);
    }
    return differs(kept / all, 0.5, 0.1);
  });
  state.SetLabel(planar ? "8 masks, NCHW" : "8 masks, NHWC");
}
BENCHMARK(riseMask)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void riseReduce(benchmark::State& state) {
  const std::int64_t count = 4000;
  const std::vector<float> weights(static_cast<std::size_t>(count), 0.25F);
  const auto rows = upTo(1);
  std::vector<float> map(static_cast<std::size_t>(kPixels));
  float peak = 0.0F;
  const auto op = [&] {
    backend().riseReduce({weights.data(), count, kMasks, rows, kWindow, map.data(), &peak}, never());
  };
  run(state, 4.0 * static_cast<double>(weights.size() + map.size()), op,
      [&] { return differs(static_cast<double>(map[777]), 0.25, 0.02); });
  state.SetLabel("4000 masks");
}
BENCHMARK(riseReduce)->Unit(benchmark::kMillisecond)->UseRealTime();

void occlude(benchmark::State& state) {
  const bool planar = state.range(0) == 0;
  const auto image = Random(10).floats(kImage, 0.5);
  std::vector<PlacedSquare> squares;
  for (std::int32_t i = 0; i < kBatch; ++i) squares.push_back({0, 16 * i, 8 * i});
  std::vector<float> out(static_cast<std::size_t>(kBatch * kImage));
  const auto op = [&] {
    backend().occlude({{image.data(), kWindow, planar ? Layout::nchw : Layout::nhwc}, {32, 32}, squares, out.data()},
                      never());
  };
  run(state, 4.0 * static_cast<double>(image.size() + out.size()), op, [&] {
    return differs(static_cast<double>(std::count(out.begin(), out.end(), 0.0F)), kBatch * 3.0 * 32.0 * 32.0, 0.0);
  });
  state.SetLabel(planar ? "8 squares, NCHW" : "8 squares, NHWC");
}
BENCHMARK(occlude)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void occlusionReduce(benchmark::State& state) {
  std::vector<Point> squares;
  for (std::int32_t y = 0; y <= 192; y += 8) {
    for (std::int32_t x = 0; x <= 192; x += 8) squares.push_back({y, x});
  }
  const auto weights = Random(11).floats(static_cast<std::int64_t>(squares.size()));
  const auto rows = upTo(1);
  std::vector<float> map(static_cast<std::size_t>(kPixels));
  float peak = 0.0F;
  const auto op = [&] {
    backend().occlusionReduce({weights.data(), {32, 32}, squares, rows, kWindow, map.data(), &peak}, never());
  };
  run(state, 4.0 * static_cast<double>(weights.size() + map.size()), op, [&] {
    const double mean = (static_cast<double>(weights[0]) + static_cast<double>(weights[1])) / 2.0;
    return differs(static_cast<double>(map[9]), mean, 1e-6);
  });
  state.SetLabel("625 squares of 32x32");
}
BENCHMARK(occlusionReduce)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace sess::bench

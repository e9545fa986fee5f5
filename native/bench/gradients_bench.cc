// The ops of methods that read the gradient at the input: maps as large as the window.
#include <algorithm>

#include "bench.h"

namespace sess::bench {
namespace {

using test::Random;

constexpr Size kWindow{224, 224};
constexpr std::int64_t kPixels = 224 * 224, kBatch = 8;

void grey(benchmark::State& state) {
  const bool planar = state.range(0) == 0;
  auto gradients = Random(1).floats(kBatch * 3 * kPixels, -1.0, 1.0);
  for (auto& g : gradients) g = g * g * g;
  const auto rows = upTo(kBatch);
  std::vector<float> maps(static_cast<std::size_t>(kBatch * kPixels)), peaks(static_cast<std::size_t>(kBatch));
  const auto op = [&] {
    backend().grey(
        {gradients.data(), 3, kWindow, planar ? Layout::nchw : Layout::nhwc, rows, maps.data(), peaks.data()}, never());
  };
  run(state, 4.0 * static_cast<double>(gradients.size() + maps.size()), op, [&] {
    std::vector<double> q(static_cast<std::size_t>(kPixels), 0.0);
    for (std::size_t i = 0; i < 3 * q.size(); ++i) {
      q[planar ? i % q.size() : i / 3] += std::fabs(static_cast<double>(gradients[i]));
    }
    auto sorted = q;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t rank = 49673;  // 0.99 * 50175 is 49673.25
    const double hi = sorted[rank] + 0.25 * (sorted[rank + 1] - sorted[rank]);
    const double value = std::min(1.0, (q[777] - sorted[0]) / (hi - sorted[0]));
    return differs(static_cast<double>(maps[777]), value, 1e-6);
  });
  state.SetLabel(planar ? "8 gradients, NCHW" : "8 gradients, NHWC");
}
BENCHMARK(grey)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void noise(benchmark::State& state) {
  const std::int64_t each = 3 * kPixels;
  const auto input = Random(2).floats(kBatch * each, -2.0, 2.0);
  const auto windows = upTo(kBatch);
  std::vector<float> out(input.size());
  const auto op = [&] { backend().noise({input.data(), each, windows, 3, 5, 0.15, out.data()}, never()); };
  run(state, 8.0 * static_cast<double>(input.size()), op, [&] {
    double squares = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double d = static_cast<double>(out[i]) - static_cast<double>(input[i]);
      squares += d * d;
    }
    return differs(std::sqrt(squares / static_cast<double>(out.size())), 0.6, 0.003);
  });
  state.SetLabel("8 windows");
}
BENCHMARK(noise)->Unit(benchmark::kMillisecond)->UseRealTime();

void accumulate(benchmark::State& state) {
  const auto mode = static_cast<Accumulation>(state.range(0));
  const std::int64_t n = kBatch * 3 * kPixels;
  const auto from = Random(3).floats(n);
  std::vector<float> out(from.size(), 0.0F);
  const auto op = [&] { backend().accumulate({from.data(), n, 0.5F, mode, out.data()}, never()); };
  const double bytes = mode == Accumulation::set ? 8.0 : 12.0;
  run(state, bytes * static_cast<double>(n), op,
      [&] { return differs(static_cast<double>(out[5]), 0.5 * static_cast<double>(from[5]), 0.0); });
  state.SetLabel(mode == Accumulation::set ? "8 windows, set" : "8 windows, add");
}
BENCHMARK(accumulate)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

/** All windows by eights into a photo's sums, which every batch rescales. */
void fold(benchmark::State& state) {
  constexpr double kRescale = 0.99;
  const Scene& s = scene(state.range(0));
  const auto windows = static_cast<std::int64_t>(s.windows.size()), pixels = s.photo.height * s.photo.width;
  const auto maps = Random(4).rectified(windows * kPixels), weights = Random(5).floats(windows, 0.01, 1.0);
  std::vector<float> sums(static_cast<std::size_t>(2 * pixels));
  const FuseArgs all{maps.data(),  kWindow, s.window, s.levels, s.windows, weights,
                     Fusion::mean, 0.0F,    false,    s.photo,  nullptr};
  const auto op = [&] {
    for (std::int64_t from = 0; from < windows; from += kBatch) {
      FuseArgs some = all;
      const auto first = static_cast<std::size_t>(from);
      const auto many = static_cast<std::size_t>(std::min(kBatch, windows - from));
      some.windows = all.windows.subspan(first, many);
      some.weights = all.weights.subspan(first, many);
      backend().fold({some, from == 0 ? 0.0 : kRescale, sums.data()}, never());
    }
  };
  const std::int64_t batches = (windows + kBatch - 1) / kBatch;
  run(state, 4.0 * static_cast<double>(maps.size()) + 8.0 * static_cast<double>(batches * pixels), op, [&] {
    std::vector<float> final(weights), whole(static_cast<std::size_t>(pixels)), parts(whole.size());
    for (std::int64_t k = 0; k < windows; ++k) {
      final[static_cast<std::size_t>(k)] *=
          static_cast<float>(std::pow(kRescale, static_cast<double>(batches - 1 - k / kBatch)));
    }
    FuseArgs fused = all;
    fused.weights = final;
    fused.out = whole.data();
    backend().fuse(fused, never());
    backend().finish({sums.data(), pixels, Fusion::mean, windows, parts.data()}, never());
    std::string fault;
    for (std::size_t i = 0; i < whole.size() && fault.empty(); i += 97) {
      fault = differs(static_cast<double>(parts[i]), static_cast<double>(whole[i]), 1e-5);
    }
    return fault;
  });
  state.SetLabel(std::string(nameOf(state.range(0))) + ", " + std::to_string(windows) + " windows by eights");
}
BENCHMARK(fold)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void finish(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const std::int64_t pixels = s.photo.height * s.photo.width;
  const auto sums = Random(6).floats(2 * pixels, 0.5, 9.0);
  std::vector<float> out(static_cast<std::size_t>(pixels));
  const auto op = [&] { backend().finish({sums.data(), pixels, Fusion::mean, 1, out.data()}, never()); };
  run(state, 12.0 * s.pixels(), op, [&] {
    const double mean = static_cast<double>(sums[9]) / static_cast<double>(sums[static_cast<std::size_t>(pixels + 9)]);
    return differs(static_cast<double>(out[9]), mean, 1e-5);
  });
  state.SetLabel(nameOf(state.range(0)));
}
BENCHMARK(finish)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace sess::bench

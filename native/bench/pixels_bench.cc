// Ops over whole maps and photos.
#include "bench.h"

namespace sess::bench {
namespace {

using test::Random;

void upsample(benchmark::State& state) {
  const std::int64_t n = 32;
  const Size grid{7, 7}, window{224, 224};
  const auto maps = Random(1).rectified(n * 49);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < n; ++i) rows.push_back(i);
  std::vector<float> out(static_cast<std::size_t>(n * 224 * 224));
  const auto op = [&] { backend().upsample({maps.data(), grid, rows, window, false, out.data()}, never()); };
  run(state, 4.0 * static_cast<double>(maps.size() + out.size()), op, [&] {
    const auto plain = test::plainMap(maps.data() + 3 * 49, grid, window);
    std::string fault;
    for (std::size_t i = 0; i < plain.size() && fault.empty(); i += 97) {
      fault = differs(static_cast<double>(out[3 * 224 * 224 + i]), plain[i], 1e-5);
    }
    return fault;
  });
  state.SetLabel("32 maps");
}
BENCHMARK(upsample)->Unit(benchmark::kMillisecond)->UseRealTime();

void smooth(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const auto map = Random(2).floats(s.photo.height * s.photo.width);
  std::vector<float> out(map.size());
  const auto op = [&] { backend().smooth({map.data(), s.photo, 11, 5.0, out.data()}, never()); };
  run(state, 8.0 * s.pixels(), op, [&] {
    const std::int64_t y = s.photo.height / 2, x = s.photo.width / 2;
    double sum = 0.0, taps = 0.0;
    for (std::int64_t i = -5; i <= 5; ++i) {
      for (std::int64_t j = -5; j <= 5; ++j) {
        const double w = std::exp(-static_cast<double>(i * i + j * j) / 50.0);
        taps += w;
        sum += w * static_cast<double>(map[static_cast<std::size_t>((y + i) * s.photo.width + x + j)]);
      }
    }
    return differs(static_cast<double>(out[static_cast<std::size_t>(y * s.photo.width + x)]), sum / taps, 1e-5);
  });
  state.SetLabel(nameOf(state.range(0)));
}
BENCHMARK(smooth)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void overlay(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const auto n = s.photo.height * s.photo.width;
  const auto photo = Random(3).bytes(3 * n), table = Random(4).bytes(768);
  const auto map = Random(5).floats(n);
  const auto opacity = state.range(1) == 0 ? Opacity::constant : Opacity::byValue;
  const std::span<const std::uint8_t, 768> colors(table.data(), 768);
  std::vector<std::uint8_t> out(photo.size());
  const auto op = [&] {
    backend().overlay({photo.data(), map.data(), n, colors, 0.0F, 1.0F, 0.5F, opacity, out.data()}, never());
  };
  run(state, 10.0 * s.pixels(), op, [&] {
    const double t = static_cast<double>(map[100]), v = static_cast<double>(photo[301]);
    const double color = static_cast<double>(table[static_cast<std::size_t>(t * 255.0 + 0.5) * 3 + 1]);
    const double a = opacity == Opacity::constant ? 0.5 : 0.5 * t;
    return differs(static_cast<double>(out[301]), v + a * (color - v), 0.501);
  });
  state.SetLabel(std::string(nameOf(state.range(0))) + (state.range(1) == 0 ? ", constant" : ", by value"));
}
BENCHMARK(overlay)->Args({0, 0})->Args({1, 0})->Args({1, 1})->Unit(benchmark::kMillisecond)->UseRealTime();

void flatten(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const auto n = s.photo.height * s.photo.width;
  const auto rgba = Random(6).bytes(4 * n);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(3 * n));
  const auto op = [&] { backend().flatten({rgba.data(), out.data(), n}, never()); };
  run(state, 7.0 * s.pixels(), op, [&] {
    const double v = rgba[4 * 100 + 1], a = rgba[4 * 100 + 3];
    return differs(static_cast<double>(out[301]), v * a / 255.0 + 255.0 - a, 0.501);
  });
  state.SetLabel(nameOf(state.range(0)));
}
BENCHMARK(flatten)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace sess::bench

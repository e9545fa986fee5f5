// The ops between the photo and the map, as one explanation calls them.
#include "bench.h"

namespace sess::bench {
namespace {

using test::plainPosition;
using test::Random;

/** Antialiased weight of source `j` for output `i`, not normalised. */
double triangle(std::int64_t j, std::int64_t i, std::int64_t nIn, std::int64_t nOut) {
  const double s = static_cast<double>(nIn) / static_cast<double>(nOut), c = s * (static_cast<double>(i) + 0.5);
  return std::max(0.0, 1.0 - std::fabs((static_cast<double>(j) + 0.5 - c) / s));
}

double plainPixel(const std::vector<std::uint8_t>& photo, Size size, Size level, std::int64_t y, std::int64_t x,
                  std::int64_t c) {
  const auto pixel = [&](std::int64_t r, std::int64_t k) {
    return static_cast<double>(photo[static_cast<std::size_t>((r * size.width + k) * 3 + c)]);
  };
  if (level.height > size.height) {
    const auto py = plainPosition(y, size.height, level.height), px = plainPosition(x, size.width, level.width);
    const double top = pixel(py.i0, px.i0) + px.f * (pixel(py.i0, px.i1) - pixel(py.i0, px.i0));
    const double bottom = pixel(py.i1, px.i0) + px.f * (pixel(py.i1, px.i1) - pixel(py.i1, px.i0));
    return top + py.f * (bottom - top);
  }
  if (level.height == size.height) return pixel(y, x);
  double sum = 0.0, weights = 0.0;
  for (std::int64_t r = 0; r < size.height; ++r) {
    const double w = triangle(r, y, size.height, level.height);
    for (std::int64_t k = 0; w > 0.0 && k < size.width; ++k) {
      const double v = w * triangle(k, x, size.width, level.width);
      sum += v * pixel(r, k);
      weights += v;
    }
  }
  return sum / weights;
}

/** All twelve levels of a photo, each whole. */
void pyramid(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const auto photo = Random(1).bytes(s.photo.height * s.photo.width * 3);
  std::vector<std::vector<float>> out;
  double bytes = 0.0;
  for (const Size level : s.levels) {
    out.emplace_back(static_cast<std::size_t>(3 * level.height * level.width));
    bytes += static_cast<double>(photo.size()) + 4.0 * static_cast<double>(out.back().size());
  }
  const auto op = [&] {
    for (std::size_t l = 0; l < s.levels.size(); ++l) {
      const Rect all{0, 0, s.levels[l].height, s.levels[l].width};
      backend().pyramid({photo.data(),
                         s.photo,
                         s.levels[l],
                         all,
                         Filter::antialias,
                         {0, 1, 2},
                         {1.0F / 255.0F, 1.0F / 255.0F, 1.0F / 255.0F},
                         {0.0F, 0.0F, 0.0F},
                         out[l].data()},
                        never());
    }
  };
  run(state, bytes, op, [&] {
    std::string fault;
    for (std::size_t l = 0; l < s.levels.size() && fault.empty(); l += 4) {
      const Size level = s.levels[l];
      const std::int64_t y = level.height / 3, x = level.width - 2, c = 1;
      const double got =
          static_cast<double>(out[l][static_cast<std::size_t>((c * level.height + y) * level.width + x)]);
      fault = differs(got, plainPixel(photo, s.photo, level, y, x, c) / 255.0, 2e-5);
    }
    return fault;
  });
  state.SetLabel(nameOf(state.range(0)));
}
BENCHMARK(pyramid)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

/** Every window of the twelve levels, four at a time into one batch. */
void patches(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  constexpr std::size_t kBatch = 4;
  const auto photo = Random(1).bytes(s.photo.height * s.photo.width * 3);
  const std::int64_t each = 3 * s.window.height * s.window.width;
  std::vector<float> batch(kBatch * static_cast<std::size_t>(each));
  const auto op = [&] {
    for (std::size_t k = 0; k < s.windows.size();) {
      const std::int32_t level = s.windows[k].level;
      std::vector<std::int32_t> origins;
      for (; k < s.windows.size() && s.windows[k].level == level && origins.size() < 2 * kBatch; ++k) {
        origins.insert(origins.end(), {s.windows[k].y, s.windows[k].x});
      }
      const PyramidArgs resize{photo.data(),
                               s.photo,
                               s.levels[static_cast<std::size_t>(level)],
                               {},
                               Filter::antialias,
                               {0, 1, 2},
                               {1.0F / 255.0F, 1.0F / 255.0F, 1.0F / 255.0F},
                               {0.0F, 0.0F, 0.0F},
                               nullptr};
      backend().patches({resize, s.window, origins, batch.data()}, never());
    }
  };
  const auto windows = static_cast<double>(s.windows.size());
  run(state, 4.0 * windows * static_cast<double>(each), op, [&] {
    const PlacedWindow& last = s.windows.back();  // the batch's row is the last level's count of windows, modulo four
    const auto inLevel =
        std::count_if(s.windows.begin(), s.windows.end(), [&](const PlacedWindow& w) { return w.level == last.level; });
    const auto row = static_cast<std::size_t>((inLevel - 1) % static_cast<std::ptrdiff_t>(kBatch));
    const double got = static_cast<double>(batch[row * static_cast<std::size_t>(each) + 224 * 224 + 100 * 224 + 50]);
    const Size level = s.levels[static_cast<std::size_t>(last.level)];
    return differs(got, plainPixel(photo, s.photo, level, last.y + 100, last.x + 50, 1) / 255.0, 2e-5);
  });
  state.SetLabel(nameOf(state.range(0)));
}
BENCHMARK(patches)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();

void gather(benchmark::State& state) {
  const Size band{928, 928}, window{224, 224};
  const auto pixels = Random(2).floats(3 * band.height * band.width);
  std::vector<std::int32_t> origins;
  for (const std::int32_t y : {0, 224, 448, 672, 704}) {
    for (const std::int32_t x : {0, 224, 448, 672, 704}) origins.insert(origins.end(), {y, x});
  }
  const bool planar = state.range(0) == 0;
  std::vector<float> out(origins.size() / 2 * 3 * 224 * 224);
  const auto op = [&] {
    backend().gather({pixels.data(), band, window, origins, planar ? Layout::nchw : Layout::nhwc, out.data()}, never());
  };
  run(state, 8.0 * static_cast<double>(out.size()), op, [&] {
    const std::size_t k = 7, y = 100, x = 50, c = 2;  // window 7 begins at 224, 448
    const float got = planar ? out[((k * 3 + c) * 224 + y) * 224 + x] : out[((k * 224 + y) * 224 + x) * 3 + c];
    return differs(static_cast<double>(got), static_cast<double>(pixels[(c * 928 + 324) * 928 + 498]), 0.0);
  });
  state.SetLabel(planar ? "25 windows, NCHW" : "25 windows, NHWC");
}
BENCHMARK(gather)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void score(benchmark::State& state) {
  const std::int64_t rows = 122, classes = 1000;
  const auto logits = Random(3).floats(rows * classes, -10.0, 10.0);
  const std::vector<std::int32_t> targets{282};
  std::vector<std::int32_t> places;
  for (std::int32_t i = 0; i < rows; ++i) places.push_back(i);
  std::vector<double> out(static_cast<std::size_t>(2 * rows));
  const auto op = [&] {
    backend().score({logits.data(), classes, targets, Activation::softmax, places, out.data()}, never());
  };
  run(state, 4.0 * static_cast<double>(logits.size()) + 8.0 * static_cast<double>(out.size()), op, [&] {
    double sum = 0.0;
    for (std::size_t k = 0; k < 1000; ++k) sum += std::exp(static_cast<double>(logits[k]));
    return differs(out[1], static_cast<double>(logits[282]) - std::log(sum), 1e-9);
  });
  state.SetLabel("122 x 1000");
}
BENCHMARK(score)->Unit(benchmark::kMillisecond)->UseRealTime();

void camReduce(benchmark::State& state) {
  const std::int64_t rows = 122, channels = state.range(0);
  const Size grid{7, 7};
  const auto a = Random(4).floats(rows * channels * 49), w = Random(5).floats(rows * channels, -1.0, 1.0);
  std::vector<std::int32_t> places;
  for (std::int32_t i = 0; i < rows; ++i) places.push_back(i);
  std::vector<float> maps(static_cast<std::size_t>(rows * 49)), peaks(static_cast<std::size_t>(rows));
  const auto op = [&] {
    backend().camReduce({a.data(), w.data(), channels, grid, places, true, maps.data(), peaks.data()}, never());
  };
  run(state, 4.0 * static_cast<double>(a.size() + w.size() + maps.size()), op, [&] {
    double sum = 0.0;
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
      sum += static_cast<double>(w[c]) * static_cast<double>(a[c * 49 + 48]);
    }
    return differs(static_cast<double>(maps[48]), std::max(sum, 0.0), 1e-4);
  });
  state.SetLabel("122 maps of 7x7");
}
BENCHMARK(camReduce)->Arg(768)->Arg(2048)->Unit(benchmark::kMillisecond)->UseRealTime();

/** What the plain loops give at one photo pixel. */
double plainMean(const Scene& s, const std::vector<float>& maps, const std::vector<float>& weights, std::int64_t y,
                 std::int64_t x) {
  double sum = 0.0, count = 0.0;
  for (std::size_t k = 0; k < s.windows.size(); ++k) {
    const auto& w = s.windows[k];
    const Size level = s.levels[static_cast<std::size_t>(w.level)];
    const auto py = plainPosition(y, level.height, s.photo.height), px = plainPosition(x, level.width, s.photo.width);
    if (py.i1 < w.y || py.i0 >= w.y + 224 || px.i1 < w.x || px.i0 >= w.x + 224) continue;
    const auto map = test::plainMap(maps.data() + k * 49, s.grid, s.window);
    const auto canvas = [&](std::int64_t r, std::int64_t c) {
      const bool in = r >= w.y && r < w.y + 224 && c >= w.x && c < w.x + 224;
      return in ? map[static_cast<std::size_t>((r - w.y) * 224 + c - w.x)] : 0.0;
    };
    const double top = canvas(py.i0, px.i0) + px.f * (canvas(py.i0, px.i1) - canvas(py.i0, px.i0));
    const double bottom = canvas(py.i1, px.i0) + px.f * (canvas(py.i1, px.i1) - canvas(py.i1, px.i0));
    const double l = static_cast<double>(weights[k]) * (top + py.f * (bottom - top));
    sum += l;
    count += l > 0.0 ? 1.0 : 0.0;
  }
  return count > 0.0 ? sum / count : 0.0;
}

void fuse(benchmark::State& state) {
  const Scene& s = scene(state.range(0));
  const auto mode = static_cast<Fusion>(state.range(1));
  const float theta = state.range(2) == 0 ? 0.0F : 0.2F;
  const auto n = static_cast<std::int64_t>(s.windows.size());
  const auto maps = Random(6).rectified(n * 49), weights = Random(7).floats(n, 0.01, 1.0);
  std::vector<float> out(static_cast<std::size_t>(s.photo.height * s.photo.width));
  const auto op = [&] {
    backend().fuse(
        {maps.data(), s.grid, s.window, s.levels, s.windows, weights, mode, theta, false, s.photo, out.data()},
        never());
  };
  run(state, 4.0 * static_cast<double>(maps.size() + out.size()), op, [&] {
    std::string fault;
    for (std::int64_t i = 1; i < 6 && fault.empty() && mode == Fusion::mean && theta == 0.0F; ++i) {
      const std::int64_t y = s.photo.height * i / 6, x = s.photo.width - 1 - s.photo.width * i / 7;
      const double got = static_cast<double>(out[static_cast<std::size_t>(y * s.photo.width + x)]);
      fault = differs(got, plainMean(s, maps, weights, y, x), 1e-5);
    }
    for (const float v : out) {
      if (!(v >= 0.0F && v <= 12.0F)) fault = "out of range";
    }
    return fault;
  });
  static const char* const modes[] = {"mean", "max", "average"};
  state.SetLabel(std::string(nameOf(state.range(0))) + ", " + std::to_string(n) + " windows, " + modes[state.range(1)] +
                 (theta > 0.0F ? " above theta" : ""));
}
BENCHMARK(fuse)
    ->Args({0, 0, 0})
    ->Args({1, 0, 0})
    ->Args({1, 0, 1})
    ->Args({1, 1, 0})
    ->Args({1, 2, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace sess::bench

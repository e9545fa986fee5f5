#include <cmath>
#include <limits>

#include "addon/arguments.h"
#include "addon/ops.h"

namespace sess::addon {
namespace {

constexpr std::size_t kWindowFields = 4;  // row, level, y, x

std::vector<Size> levelSizes(const Napi::Object& options) {
  const auto values = int32s(options, "levels");
  require(values.size() % 2 == 0, "levels is not height, width of each level");
  std::vector<Size> levels;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    require(values[i] > 0 && values[i + 1] > 0, "a level has at least one pixel");
    levels.push_back({values[i], values[i + 1]});
  }
  return levels;
}

std::vector<PlacedWindow> placedWindows(const Napi::Object& options, const std::vector<Size>& levels, Size window,
                                        std::int64_t rows) {
  const auto values = int32s(options, "windows");
  require(values.size() % kWindowFields == 0, "windows is not row, level, y, x of each window");
  std::vector<PlacedWindow> windows;
  for (std::size_t i = 0; i < values.size(); i += kWindowFields) {
    const PlacedWindow placed{values[i], values[i + 1], values[i + 2], values[i + 3]};
    require(placed.row >= 0 && placed.row < rows, "a window's row is outside maps");
    require(placed.level >= 0 && static_cast<std::size_t>(placed.level) < levels.size(), "a window has no level");
    const Size level = levels[static_cast<std::size_t>(placed.level)];
    require(placed.y >= 0 && placed.y + window.height <= level.height && placed.x >= 0 &&
                placed.x + window.width <= level.width,
            "a window is outside its level");
    windows.push_back(placed);
  }
  return windows;
}

Fusion fusionOf(const Napi::Object& options) {
  return choice<Fusion>(options, "mode", {{"mean", Fusion::mean}, {"max", Fusion::max}, {"average", Fusion::average}});
}

/** Windows to fuse, owned. */
struct FusionOptions {
  const float* maps;
  Size grid, window;
  std::vector<Size> levels;
  std::vector<PlacedWindow> windows;
  std::vector<float> weights;
  Fusion mode;
  float theta;
  bool rectify;

  FusionOptions(const Storage& from, const Napi::Object& options)
      : maps(from.as<float>()),
        grid{from.shape()[1], from.shape()[2]},
        window(size(options, "window")),
        levels(levelSizes(options)),
        windows(placedWindows(options, levels, window, from.shape()[0])),
        weights(float32s(options, "weights")),
        mode(fusionOf(options)),
        theta(static_cast<float>(number(options, "theta"))),
        rectify(boolean(options, "rectify")) {
    require(weights.size() == windows.size(), "weights is not one number for each window");
    for (const float weight : weights) require(std::isfinite(weight) && weight >= 0, "a weight is not in [0, inf)");
    require(theta >= 0, "theta is at least 0");
  }

  [[nodiscard]] FuseArgs args(Size photo, float* out) const {
    return {maps, grid, window, levels, windows, weights, mode, theta, rectify, photo, out};
  }
};

}  // namespace

Napi::Value camReduce(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& activations = call.tensor(1, 4);
    const Storage& weights = call.tensor(2, 2);
    const Napi::Object options = objectArgument(info, 3, "camReduce's options");
    const Storage& maps = call.tensor(4, 3);
    const Storage& peaks = call.tensor(5, 1);
    const auto rows = int32s(options, "rows");
    const bool rectify = boolean(options, "rectify");
    const auto shape = activations.shape();
    const std::int64_t channels = shape[1];
    const Size grid{shape[2], shape[3]};
    requireRows(rows, std::min(maps.shape()[0], peaks.shape()[0]));
    require(static_cast<std::int64_t>(rows.size()) <= std::min(shape[0], weights.shape()[0]) &&
                weights.shape()[1] == channels,
            "weights is not one row of channels for each sample");
    require(maps.shape()[1] == grid.height && maps.shape()[2] == grid.width, "maps has another grid than activations");
    return call.enqueue([a = activations.as<float>(), w = weights.as<float>(), channels, grid, rows, rectify,
                         out = maps.as<float>(), top = peaks.as<float>()](Backend& b, const CancelFlag& cancel) {
      b.camReduce({a, w, channels, grid, rows, rectify, out, top}, cancel);
    });
  });
}

Napi::Value fuse(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& maps = call.tensor(1, 3);
    FusionOptions fusion(maps, objectArgument(info, 2, "fuse's options"));
    const Storage& out = call.tensor(3, 2);
    require(!fusion.windows.empty(), "there is no window to fuse");
    const Size photo{out.shape()[0], out.shape()[1]};
    return call.enqueue([fusion = std::move(fusion), photo, to = out.as<float>()](
                            Backend& b, const CancelFlag& cancel) { b.fuse(fusion.args(photo, to), cancel); });
  });
}

Napi::Value fold(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& maps = call.tensor(1, 3);
    const Napi::Object options = objectArgument(info, 2, "fold's options");
    FusionOptions fusion(maps, options);
    const Storage& sums = call.tensor(3, 3);
    const double rescale = number(options, "rescale");
    require(std::isfinite(rescale) && rescale >= 0, "rescale is not in [0, inf)");
    require(fusion.theta == 0 || rescale == 0 || rescale == 1,
            "above theta, sums cannot be rescaled: rescale is 0 or 1");
    require(sums.shape()[0] == 2, "sums is not 2 x H x W");
    const Size photo{sums.shape()[1], sums.shape()[2]};
    return call.enqueue(
        [fusion = std::move(fusion), photo, rescale, to = sums.as<float>()](Backend& b, const CancelFlag& cancel) {
          b.fold({fusion.args(photo, nullptr), rescale, to}, cancel);
        });
  });
}

Napi::Value finish(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& sums = call.tensor(1, 3);
    const Napi::Object options = objectArgument(info, 2, "finish's options");
    const Storage& out = call.tensor(3, 2);
    require(sums.shape()[0] == 2 && sums.shape()[1] == out.shape()[0] && sums.shape()[2] == out.shape()[1],
            "sums is not 2 x H x W for an out of H x W");
    const FinishArgs args{sums.as<float>(), out.elements(), fusionOf(options),
                          integer(options, "windows", 1, std::numeric_limits<std::int32_t>::max()), out.as<float>()};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.finish(args, cancel); });
  });
}

Napi::Value upsample(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& maps = call.tensor(1, 3);
    const Napi::Object options = objectArgument(info, 2, "upsample's options");
    const auto rows = int32s(options, "rows");
    const bool rectify = boolean(options, "rectify");
    const Storage& out = call.tensor(3, 3);
    requireRows(rows, maps.shape()[0]);
    require(static_cast<std::int64_t>(rows.size()) <= out.shape()[0], "out has fewer rows than are asked for");
    const Size grid{maps.shape()[1], maps.shape()[2]};
    const Size window{out.shape()[1], out.shape()[2]};
    return call.enqueue([from = maps.as<float>(), grid, rows, window, rectify, to = out.as<float>()](
                            Backend& b, const CancelFlag& cancel) {
      b.upsample({from, grid, rows, window, rectify, to}, cancel);
    });
  });
}

Napi::Value smooth(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& map = call.tensor(1, 2);
    const Napi::Object options = objectArgument(info, 2, "smooth's options");
    const Storage& out = call.tensor(3, 2);
    const Size size{map.shape()[0], map.shape()[1]};
    require(out.shape()[0] == size.height && out.shape()[1] == size.width, "out has another size than map");
    require(map.data() != out.data(), "smooth does not work in place");
    const auto [taps, sigma] = gaussianOf(options);
    const SmoothArgs args{map.as<float>(), size, taps, sigma, out.as<float>()};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.smooth(args, cancel); });
  });
}

}  // namespace sess::addon

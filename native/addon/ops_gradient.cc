#include <algorithm>
#include <cmath>
#include <limits>

#include "addon/arguments.h"
#include "addon/ops.h"

namespace sess::addon {

Napi::Value grey(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& gradients = call.tensor(1, 4);
    const Napi::Object options = objectArgument(info, 2, "grey's options");
    const Storage& maps = call.tensor(3, 3);
    const Storage& peaks = call.tensor(4, 1);
    const auto rows = int32s(options, "rows");
    const Layout layout = layoutOf(options);
    const auto shape = gradients.shape();
    const bool planar = layout == Layout::nchw;
    const std::int64_t channels = planar ? shape[1] : shape[3];
    const Size size = planar ? Size{shape[2], shape[3]} : Size{shape[1], shape[2]};
    requireRows(rows, std::min(maps.shape()[0], peaks.shape()[0]));
    require(static_cast<std::int64_t>(rows.size()) <= shape[0], "there are more rows than gradients");
    require(maps.shape()[1] == size.height && maps.shape()[2] == size.width, "maps has another size than gradients");
    return call.enqueue([from = gradients.as<float>(), channels, size, layout, rows, out = maps.as<float>(),
                         top = peaks.as<float>()](Backend& b, const CancelFlag& cancel) {
      b.grey({from, channels, size, layout, rows, out, top}, cancel);
    });
  });
}

Napi::Value noise(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& input = call.tensor(1);
    const Napi::Object options = objectArgument(info, 2, "noise's options");
    const Storage& out = call.tensor(3);
    requireSameShape(input, out);
    const auto windows = int32s(options, "windows");
    const std::int64_t images = input.shape()[0];
    require(static_cast<std::int64_t>(windows.size()) <= images, "there are more windows than images");
    const std::int64_t elements = input.elements() / images;
    const auto copy = static_cast<std::uint32_t>(integer(options, "copy", 0, std::numeric_limits<std::int32_t>::max()));
    const auto seed = static_cast<std::uint64_t>(integer(options, "seed", 0, (std::int64_t{1} << 53) - 1));
    const double strength = number(options, "strength");
    require(std::isfinite(strength) && strength >= 0, "strength is not in [0, inf)");
    return call.enqueue([from = input.as<float>(), elements, windows, copy, seed, strength, to = out.as<float>()](
                            Backend& b, const CancelFlag& cancel) {
      b.noise({from, elements, windows, copy, seed, strength, to}, cancel);
    });
  });
}

Napi::Value accumulate(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& from = call.tensor(1);
    const Napi::Object options = objectArgument(info, 2, "accumulate's options");
    const Storage& out = call.tensor(3);
    requireSameShape(from, out);
    const std::int64_t rows = integer(options, "rows", 1, from.shape()[0]);
    const auto factor = static_cast<float>(number(options, "factor"));
    require(std::isfinite(factor), "factor is not finite");
    const auto mode = choice<Accumulation>(options, "mode", {{"set", Accumulation::set}, {"add", Accumulation::add}});
    const AccumulateArgs args{from.as<float>(), from.elements() / from.shape()[0] * rows, factor, mode,
                              out.as<float>()};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.accumulate(args, cancel); });
  });
}

}  // namespace sess::addon

#include "addon/ops.h"

#include <algorithm>

#include "addon/arguments.h"
#include "addon/job.h"

namespace sess::addon {

OpCall::OpCall(const Napi::CallbackInfo& info) : info_(info) {
  const StreamHandle& stream = StreamHandle::of(info[0]);
  queue_ = stream.queue();
  device_ = stream.device();
  backend_ = stream.backend();
}

const Storage& OpCall::tensor(std::size_t index) {
  const std::shared_ptr<Storage> storage = TensorHandle::of(info_[index]);
  require(storage->device() == device_, "a tensor lives on another device than the stream");
  return *alive_.emplace_back(storage);
}

const Storage& OpCall::tensorNearby(std::size_t index) {
  const std::shared_ptr<Storage> storage = TensorHandle::of(info_[index]);
  require(storage->device() == device_ || !storage->device()->place().cuda,
          "a tensor lives on another device than the stream, and not in the processor's memory");
  return *alive_.emplace_back(storage);
}

const Storage& OpCall::tensor(std::size_t index, std::size_t rank) {
  const Storage& storage = tensor(index);
  if (storage.shape().size() != rank) {
    invalid("argument " + std::to_string(index) + " is not a tensor of " + std::to_string(rank) + " dimensions");
  }
  return storage;
}

Napi::Value OpCall::enqueue(std::function<void(Backend&, const CancelFlag&)> op) {
  for (const auto& storage : alive_) storage->requireMemory();
  return addon::enqueue(info_.Env(), queue_,
                        [backend = backend_, alive = std::move(alive_), op = std::move(op)](Interrupt& interrupt) {
                          op(*backend, interrupt.flag());
                        });
}

void requireRows(std::span<const std::int32_t> indices, std::int64_t rows) {
  for (const std::int32_t index : indices) require(index >= 0 && index < rows, "a row is outside its tensor");
}

Layout layoutOf(const Napi::Object& options) {
  return choice<Layout>(options, "layout", {{"NCHW", Layout::nchw}, {"NHWC", Layout::nhwc}});
}

void requireSameShape(const Storage& a, const Storage& b) {
  require(std::ranges::equal(a.shape(), b.shape()), "two tensors that go together have different shapes");
}

void requireApart(const Storage& a, const Storage& b) {
  const auto* const one = static_cast<const std::byte*>(a.data());
  const auto* const other = static_cast<const std::byte*>(b.data());
  const bool apart = std::less_equal<>()(one + a.bytes(), other) || std::less_equal<>()(other + b.bytes(), one);
  require(apart, "two tensors that must be apart have memory in common");
}

namespace {

Route routeOf(const Storage& from, const Storage& to) {
  if (from.device()->place().cuda && !to.device()->place().cuda) return Route::toProcessor;
  return to.device()->place().cuda && !from.device()->place().cuda ? Route::toDevice : Route::within;
}

/** `photo`: H x W x 3, uint8. */
Size photoSize(const Storage& photo, std::int64_t channels) {
  require(photo.shape()[2] == channels, "a photo's last dimension is its channels");
  return {photo.shape()[0], photo.shape()[1]};
}

std::array<float, 3> floatTriple(const Napi::Object& options, const char* name) {
  const std::array<double, 3> values = triple(options, name);
  return {static_cast<float>(values[0]), static_cast<float>(values[1]), static_cast<float>(values[2])};
}

std::array<int, 3> photoChannels(const Napi::Object& options) {
  std::array<int, 3> channels{};
  const std::array<double, 3> values = triple(options, "channels");
  for (std::size_t c = 0; c < 3; ++c) {
    require(values[c] == 0 || values[c] == 1 || values[c] == 2, "channels are 0, 1 or 2");
    channels[c] = static_cast<int>(values[c]);
  }
  return channels;
}

/** How a photo becomes a level; band and out are the caller's. */
PyramidArgs resizeOf(const Storage& photo, const Napi::Object& options) {
  PyramidArgs args{
      photo.as<std::uint8_t>(),
      photoSize(photo, 3),
      size(options, "level"),
      {},
      choice<Filter>(options, "filter", {{"antialias", Filter::antialias}, {"bilinear", Filter::bilinear}}),
      photoChannels(options),
      floatTriple(options, "scale"),
      floatTriple(options, "bias"),
      nullptr};
  for (const int channel : args.channels) require(channel >= 0 && channel < 3, "channels are 0, 1 or 2");
  return args;
}

/** y, x of each window; every window lies inside `area`. */
std::vector<std::int32_t> windowOrigins(const Napi::Object& options, Size window, Size area) {
  auto origins = int32s(options, "origins");
  require(origins.size() % 2 == 0, "origins is not y, x of each window");
  for (std::size_t i = 0; i < origins.size(); i += 2) {
    require(origins[i] >= 0 && origins[i] + window.height <= area.height && origins[i + 1] >= 0 &&
                origins[i + 1] + window.width <= area.width,
            "a window is outside its band or level");
  }
  return origins;
}

/** Where the windows' rows begin in a batch that has room for them from row `slot` on. */
float* batchRows(const Storage& batch, const Napi::Object& options, Size window, Layout layout,
                 std::span<const std::int32_t> origins) {
  const auto shape = batch.shape();
  const Size row = layout == Layout::nchw ? Size{shape[2], shape[3]} : Size{shape[1], shape[2]};
  require(row.height == window.height && row.width == window.width && shape[layout == Layout::nchw ? 1 : 3] == 3,
          "the batch's rows are not windows of this size and layout");
  const std::int64_t slot = integer(options, "slot", 0, shape[0]);
  require(slot + static_cast<std::int64_t>(origins.size() / 2) <= shape[0], "the windows do not fit into the batch");
  return batch.as<float>() + slot * 3 * window.height * window.width;
}

}  // namespace

Napi::Value copy(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& from = call.tensorNearby(1);
    const Storage& to = call.tensorNearby(2);
    require(from.dtype() == to.dtype(), "a copy has another type of element");
    requireSameShape(from, to);
    requireApart(from, to);
    const auto device = StreamHandle::of(info[0]).device();
    require(from.device() == device || to.device() == device || !device->place().cuda,
            "neither tensor lives on the stream's device");
    const Route route = routeOf(from, to);
    const CopyArgs args{from.data(), to.data(), static_cast<std::int64_t>(from.bytes()), route};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.copy(args, cancel); });
  });
}

Napi::Value flatten(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& rgba = call.tensor(1, 3);
    const Storage& rgb = call.tensor(2, 3);
    const Size from = photoSize(rgba, 4);
    const Size to = photoSize(rgb, 3);
    require(from.height == to.height && from.width == to.width, "rgb has another size than rgba");
    const FlattenArgs args{rgba.as<std::uint8_t>(), rgb.as<std::uint8_t>(), from.height * from.width};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.flatten(args, cancel); });
  });
}

Napi::Value pyramid(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& photo = call.tensor(1, 3);
    const Napi::Object options = objectArgument(info, 2, "pyramid's options");
    const Storage& out = call.tensor(3);
    PyramidArgs args = resizeOf(photo, options);
    args.band = rect(options, "band");
    args.out = out.as<float>();
    require(args.band.y + args.band.height <= args.level.height && args.band.x + args.band.width <= args.level.width,
            "the band is outside its level");
    const std::int64_t needed[] = {3, args.band.height, args.band.width};
    require(out.elements() >= elementCount(needed), "out is smaller than the band");
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.pyramid(args, cancel); });
  });
}

Napi::Value patches(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& photo = call.tensor(1, 3);
    const Napi::Object options = objectArgument(info, 2, "patches' options");
    const Storage& batch = call.tensor(3, 4);
    const PyramidArgs resize = resizeOf(photo, options);
    const Size window = size(options, "window");
    const auto origins = windowOrigins(options, window, resize.level);
    float* out = batchRows(batch, options, window, Layout::nchw, origins);
    return call.enqueue([resize, window, origins, out](Backend& b, const CancelFlag& cancel) {
      b.patches({resize, window, origins, out}, cancel);
    });
  });
}

Napi::Value gather(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& band = call.tensor(1);
    const Napi::Object options = objectArgument(info, 2, "gather's options");
    const Storage& batch = call.tensor(3, 4);
    const Size bandSize = size(options, "band");
    const Size window = size(options, "window");
    const auto origins = windowOrigins(options, window, bandSize);
    const Layout layout = layoutOf(options);
    const std::int64_t bandShape[] = {3, bandSize.height, bandSize.width};
    require(band.elements() >= elementCount(bandShape), "the band is larger than its tensor");
    float* out = batchRows(batch, options, window, layout, origins);
    return call.enqueue(
        [from = band.as<float>(), bandSize, window, origins, layout, out](Backend& b, const CancelFlag& cancel) {
          b.gather({from, bandSize, window, origins, layout, out}, cancel);
        });
  });
}

Napi::Value score(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& logits = call.tensor(1, 2);
    const Napi::Object options = objectArgument(info, 2, "score's options");
    const Storage& scores = call.tensor(3, 3);
    const auto targets = int32s(options, "targets");
    const auto rows = int32s(options, "rows");
    const std::int64_t classes = logits.shape()[1];
    requireRows(targets, classes);
    requireRows(rows, scores.shape()[0]);
    require(static_cast<std::int64_t>(rows.size()) <= logits.shape()[0], "there are more rows than logits");
    require(scores.shape()[1] == static_cast<std::int64_t>(targets.size()) && scores.shape()[2] == 2,
            "scores is not N x targets x 2");
    const auto activation =
        choice<Activation>(options, "activation", {{"softmax", Activation::softmax}, {"sigmoid", Activation::sigmoid}});
    return call.enqueue([from = logits.as<float>(), classes, targets, activation, rows, out = scores.as<double>()](
                            Backend& b, const CancelFlag& cancel) {
      b.score({from, classes, targets, activation, rows, out}, cancel);
    });
  });
}

Napi::Value overlay(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& photo = call.tensor(1, 3);
    const Storage& map = call.tensor(2, 2);
    const Napi::Object options = objectArgument(info, 3, "overlay's options");
    const Storage& out = call.tensor(4, 3);
    const Size from = photoSize(photo, 3);
    const Size to = photoSize(out, 3);
    require(from.height == map.shape()[0] && from.width == map.shape()[1] && from.height == to.height &&
                from.width == to.width,
            "photo, map and out have different sizes");
    const TypedMemory colors = typedMemory(options.Get("colors"));
    require(colors.type == napi_uint8_array && colors.elements == 768, "colors is not a Uint8Array of 256 x 3");
    std::array<std::uint8_t, 768> table{};
    std::copy_n(static_cast<const std::uint8_t*>(colors.data), table.size(), table.begin());
    const auto low = static_cast<float>(number(options, "low"));
    const auto high = static_cast<float>(number(options, "high"));
    const auto alpha = static_cast<float>(number(options, "alpha"));
    require(low < high && alpha >= 0 && alpha <= 1, "overlay needs low < high and alpha in [0, 1]");
    const auto opacity =
        choice<Opacity>(options, "opacity", {{"constant", Opacity::constant}, {"by-value", Opacity::byValue}});
    return call.enqueue([pixels = from.height * from.width, in = photo.as<std::uint8_t>(), values = map.as<float>(),
                         table, low, high, alpha, opacity,
                         to8 = out.as<std::uint8_t>()](Backend& b, const CancelFlag& cancel) {
      b.overlay({in, values, pixels, table, low, high, alpha, opacity, to8}, cancel);
    });
  });
}

}  // namespace sess::addon

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "addon/arguments.h"
#include "addon/copies.h"
#include "addon/ops.h"

namespace sess::addon {
namespace {

/** The group, or -1, of each channel of each row. */
std::vector<std::int32_t> assignmentOf(const Napi::Object& options, std::int64_t channels, std::int64_t groups) {
  auto assignment = int32s(options, "assignment");
  require(static_cast<std::int64_t>(assignment.size()) == channels, "assignment is not a group for each channel");
  for (const std::int32_t group : assignment) {
    require(group >= -1 && group < groups, "a channel's group is not there: they are numbered from 0, and -1 is none");
  }
  return assignment;
}

/** Elements of the dimensions [from, to). */
std::int64_t elementsOf(std::span<const std::int64_t> shape, std::size_t from, std::size_t to) {
  const auto dimensions = shape.subspan(from, to - from);
  return std::accumulate(dimensions.begin(), dimensions.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace

Napi::Value channelRanges(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& features = call.tensor(1, 4);
    const Napi::Object options = objectArgument(info, 2, "channelRanges' options");
    const Storage& ranges = call.tensor(3, 3);
    const auto shape = features.shape();
    require(ranges.shape()[1] == shape[1] && ranges.shape()[2] == 3, "ranges is not N x C x 3");
    const std::int64_t rows = integer(options, "rows", 1, std::min(shape[0], ranges.shape()[0]));
    const ChannelRangesArgs args{features.as<float>(), rows * shape[1], shape[2] * shape[3], ranges.as<float>()};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.channelRanges(args, cancel); });
  });
}

Napi::Value groupReduce(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& activations = call.tensor(1, 4);
    const Storage& weights = call.tensor(2, 2);
    const Napi::Object options = objectArgument(info, 3, "groupReduce's options");
    const Storage& groups = call.tensor(4, 4);
    const auto shape = activations.shape();
    const std::int64_t channels = shape[1];
    const std::int64_t rows = integer(options, "rows", 1, std::min({shape[0], weights.shape()[0], groups.shape()[0]}));
    require(weights.shape()[1] == channels, "weights is not one row of channels for each sample");
    require(groups.shape()[2] == shape[2] && groups.shape()[3] == shape[3], "groups has another grid than activations");
    GroupReduceArgs args{activations.as<float>(), weights.as<float>(), rows, channels,
                         shape[2] * shape[3],     groups.shape()[1],   {},   groups.as<float>()};
    return call.enqueue([args, assignment = assignmentOf(options, rows * channels, args.groups)](
                            Backend& b, const CancelFlag& cancel) mutable {
      args.assignment = assignment;
      b.groupReduce(args, cancel);
    });
  });
}

Napi::Value maskBatch(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& images = call.tensor(1, 4);
    const Storage* background = info[2].IsNull() ? nullptr : &call.tensor(2, 4);
    const Storage& features = call.tensor(3, 4);
    const Napi::Object options = objectArgument(info, 4, "maskBatch's options");
    const Storage& out = call.tensor(5, 4);
    if (background != nullptr) requireSameShape(images, *background);
    const auto shape = features.shape();
    const auto copies = copiesOf(options, std::min(images.shape()[0], shape[0]), shape[1]);
    requireRoom(out, images, copies.size());
    MaskBatchArgs args{imagesOf(images, options),
                       background == nullptr ? nullptr : background->as<float>(),
                       features.as<float>(),
                       shape[1],
                       {shape[2], shape[3]},
                       {},
                       out.as<float>()};
    return call.enqueue([args, copies](Backend& b, const CancelFlag& cancel) mutable {
      args.copies = copies;
      b.maskBatch(args, cancel);
    });
  });
}

Napi::Value blur(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& images = call.tensor(1, 4);
    const Napi::Object options = objectArgument(info, 2, "blur's options");
    const Storage& out = call.tensor(3, 4);
    requireSameShape(images, out);
    require(images.data() != out.data(), "blur does not work in place");
    const auto [taps, sigma] = gaussianOf(options);
    const BlurArgs args{imagesOf(images, options), integer(options, "rows", 1, images.shape()[0]), taps, sigma,
                        out.as<float>()};
    return call.enqueue([args](Backend& b, const CancelFlag& cancel) { b.blur(args, cancel); });
  });
}

Napi::Value ablate(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& activations = call.tensor(1);
    const Napi::Object options = objectArgument(info, 2, "ablate's options");
    const Storage& out = call.tensor(3);
    const auto shape = activations.shape();
    require(shape.size() >= 2 && shape.size() <= 5, "activations have 2 to 5 dimensions");
    const auto axis =
        static_cast<std::size_t>(integer(options, "axis", 1, static_cast<std::int64_t>(shape.size()) - 1));
    const auto copies = copiesOf(options, shape[0], shape[axis]);
    requireRoom(out, activations, copies.size());
    AblateArgs args{
        activations.as<float>(), elementsOf(shape, 1, axis), shape[axis], elementsOf(shape, axis + 1, shape.size()), {},
        out.as<float>()};
    return call.enqueue([args, copies](Backend& b, const CancelFlag& cancel) mutable {
      args.copies = copies;
      b.ablate(args, cancel);
    });
  });
}

}  // namespace sess::addon

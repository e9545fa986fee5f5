#include <algorithm>
#include <limits>

#include "addon/arguments.h"
#include "addon/copies.h"
#include "addon/ops.h"

namespace sess::addon {
namespace {

constexpr std::int64_t kMaskNumbers = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;

RiseMasks riseMasks(const Napi::Object& options) {
  const auto seed = static_cast<std::uint64_t>(integer(options, "seed", 0, (std::int64_t{1} << 53) - 1));
  const std::int64_t grid = integer(options, "grid", 1, 1024);
  const double keep = number(options, "keep");
  require(keep > 0 && keep <= 1, "keep is not in (0, 1]");
  return {seed, grid, keep};
}

/** A rectangle of `square` at `y`, `x` lies inside the image. */
void requireInside(std::int32_t y, std::int32_t x, Size square, Size image) {
  require(y >= 0 && y + square.height <= image.height && x >= 0 && x + square.width <= image.width,
          "a square is outside its image");
}

/** row, y, x of each copy's square. */
std::vector<PlacedSquare> placedSquares(const Napi::Object& options, std::int64_t rows, Size square, Size image) {
  const auto values = int32s(options, "squares");
  require(values.size() % 3 == 0, "squares is not row, y, x of each copy");
  std::vector<PlacedSquare> squares;
  for (std::size_t i = 0; i < values.size(); i += 3) {
    const PlacedSquare placed{values[i], values[i + 1], values[i + 2]};
    require(placed.row >= 0 && placed.row < rows, "a copy's row is outside its tensor");
    requireInside(placed.y, placed.x, square, image);
    squares.push_back(placed);
  }
  return squares;
}

/** y, x of each square. */
std::vector<Point> squarePlaces(const Napi::Object& options, Size square, Size image) {
  const auto values = int32s(options, "squares");
  require(values.size() % 2 == 0, "squares is not y, x of each square");
  std::vector<Point> squares;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    requireInside(values[i], values[i + 1], square, image);
    squares.push_back({values[i], values[i + 1]});
  }
  return squares;
}

/** The rows that maps of `weights` go to. */
std::vector<std::int32_t> mapRows(const Napi::Object& options, const Storage& weights, const Storage& maps,
                                  const Storage& peaks) {
  auto rows = int32s(options, "rows");
  requireRows(rows, std::min(maps.shape()[0], peaks.shape()[0]));
  require(static_cast<std::int64_t>(rows.size()) <= weights.shape()[0], "there are more rows than weights");
  return rows;
}

}  // namespace

Napi::Value riseMask(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& images = call.tensor(1, 4);
    const Napi::Object options = objectArgument(info, 2, "riseMask's options");
    const Storage& out = call.tensor(3, 4);
    const auto copies = copiesOf(options, images.shape()[0], kMaskNumbers);
    requireRoom(out, images, copies.size());
    RiseMaskArgs args{imagesOf(images, options), riseMasks(options), {}, out.as<float>()};
    return call.enqueue([args, copies](Backend& b, const CancelFlag& cancel) mutable {
      args.copies = copies;
      b.riseMask(args, cancel);
    });
  });
}

Napi::Value riseReduce(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& weights = call.tensor(1, 2);
    const Napi::Object options = objectArgument(info, 2, "riseReduce's options");
    const Storage& maps = call.tensor(3, 3);
    const Storage& peaks = call.tensor(4, 1);
    RiseReduceArgs args{
        weights.as<float>(), weights.shape()[1], riseMasks(options), {}, {maps.shape()[1], maps.shape()[2]},
        maps.as<float>(),    peaks.as<float>()};
    require(args.count <= kMaskNumbers, "there are more weights than masks have numbers");
    return call.enqueue(
        [args, rows = mapRows(options, weights, maps, peaks)](Backend& b, const CancelFlag& cancel) mutable {
          args.rows = rows;
          b.riseReduce(args, cancel);
        });
  });
}

Napi::Value occlude(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& images = call.tensor(1, 4);
    const Napi::Object options = objectArgument(info, 2, "occlude's options");
    const Storage& out = call.tensor(3, 4);
    OccludeArgs args{imagesOf(images, options), size(options, "size"), {}, out.as<float>()};
    const auto squares = placedSquares(options, images.shape()[0], args.square, args.images.size);
    requireRoom(out, images, squares.size());
    return call.enqueue([args, squares](Backend& b, const CancelFlag& cancel) mutable {
      args.squares = squares;
      b.occlude(args, cancel);
    });
  });
}

Napi::Value occlusionReduce(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env) {
    OpCall call(info);
    const Storage& weights = call.tensor(1, 2);
    const Napi::Object options = objectArgument(info, 2, "occlusionReduce's options");
    const Storage& maps = call.tensor(3, 3);
    const Storage& peaks = call.tensor(4, 1);
    const Size square = size(options, "size"), image{maps.shape()[1], maps.shape()[2]};
    const auto squares = squarePlaces(options, square, image);
    require(static_cast<std::int64_t>(squares.size()) == weights.shape()[1], "weights is not one for each square");
    OcclusionReduceArgs args{weights.as<float>(), square, {}, {}, image, maps.as<float>(), peaks.as<float>()};
    return call.enqueue(
        [args, squares, rows = mapRows(options, weights, maps, peaks)](Backend& b, const CancelFlag& cancel) mutable {
          args.squares = squares;
          args.rows = rows;
          b.occlusionReduce(args, cancel);
        });
  });
}

}  // namespace sess::addon

#pragma once

#include <array>

#include "cuda/resize.h"

namespace sess::cuda {

/** A band is one window. */
template <class Launcher>
void pyramid(Launcher& launch, const PyramidArgs& args) {
  const std::array<std::int32_t, 2> origin{coordinate(args.band.y), coordinate(args.band.x)};
  resizeWindows(launch, args, {args.band.height, args.band.width}, origin, args.out);
}

}  // namespace sess::cuda

#pragma once

#include "cuda/resize.h"

namespace sess::cuda {

template <class Launcher>
void patches(Launcher& launch, const PatchesArgs& args) {
  resizeWindows(launch, args.photo, args.window, args.origins, args.out);
}

}  // namespace sess::cuda

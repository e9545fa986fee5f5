#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

template <class Launcher>
void copy(Launcher& launch, const CopyArgs& args) {
  const auto bytes = static_cast<std::size_t>(args.bytes);
  if (bytes == 0) return;
  switch (args.route) {
    case Route::within:
      return launch.move(args.to, args.from, bytes);
    case Route::toDevice:
      return launch.send(args.to, args.from, bytes);
    case Route::toProcessor:
      return launch.receive(args.to, args.from, bytes);
  }
}

}  // namespace sess::cuda

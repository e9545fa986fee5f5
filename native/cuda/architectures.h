#pragma once

#include <span>

/** Which GPUs a build has kernels for. */
namespace sess::cuda {

/** Of CMAKE_CUDA_ARCHITECTURES: `capability` is 90 for "90-real". */
struct Architecture {
  int capability;
  bool hasPtx;
};

/** Machine code runs on its capability and later ones of the same major version; PTX also on all later versions. */
constexpr bool runsOn(std::span<const Architecture> built, int major, int minor) {
  const int device = 10 * major + minor;
  for (const Architecture& a : built) {
    if (device >= a.capability && (a.hasPtx || device / 10 == a.capability / 10)) return true;
  }
  return false;
}

}  // namespace sess::cuda

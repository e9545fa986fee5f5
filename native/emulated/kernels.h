#pragma once

#include <cuda_runtime_api.h>

#include <type_traits>

#include "cuda/check.h"
#include "emulated/device.h"
#include "emulated/host_team.h"

namespace sess::emulated {

inline constexpr std::size_t kMostParameters = 4096;  // bytes that a kernel is launched with, on every architecture

/** Enqueues kernels on the emulated device: see cuda::StreamLauncher. */
struct HostKernels {
  template <class Body>
  static void threads(cudaStream_t stream, unsigned, std::int64_t n, const Body& body) {
    static_assert(std::is_trivially_copyable_v<Body> && sizeof(Body) + sizeof(n) <= kMostParameters);
    const auto work = [n, body] {
      for (std::int64_t i = 0; i < n; ++i) body(i);
    };
    cuda::check(launch(stream, work), "launching a kernel");
  }

  template <class Body>
  static void blocks(cudaStream_t stream, unsigned n, std::size_t bytes, const Body& body) {
    static_assert(std::is_trivially_copyable_v<Body> && sizeof(Body) <= kMostParameters);
    const auto work = [n, bytes, body] {
      if (bytes > cuda::kMostShared) throw std::logic_error("more shared memory than a device has");
      for (std::int64_t i = 0; i < n; ++i) {
        const HostMemory shared(bytes);
        HostTeam team(static_cast<std::byte*>(shared.get()), bytes, Turns::forward, 0, nullptr);
        body(team, i);
      }
    };
    cuda::check(launch(stream, work), "launching a kernel");
  }
};

}  // namespace sess::emulated

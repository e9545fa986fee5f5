#pragma once

#include "cuda/check.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** One thread's own T, in its registers. */
template <class T>
struct DeviceOwn {
  T value{};
  SESS_HD T& of(int) { return value; }
};

/** A block of threads. For the host compiler, which never calls it, the bodies are empty. */
class DeviceTeam {
 public:
  SESS_HD explicit DeviceTeam(unsigned char* shared) : shared_(shared) {}

  template <class Body>
  SESS_HD void each(int n, const Body& body) const {
#if defined(__CUDA_ARCH__)
    for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) body(i);
#endif
    sync();
  }
  SESS_HD void sync() const {
#if defined(__CUDA_ARCH__)
    __syncthreads();
#endif
  }
  SESS_HD void count([[maybe_unused]] int* p) const {
#if defined(__CUDA_ARCH__)
    atomicAdd(p, 1);
#endif
  }
  template <class T>
  SESS_HD T* array(std::int64_t n) {
    T* const taken = reinterpret_cast<T*>(shared_);
    shared_ += sharedBytes<T>(n);
    return taken;
  }
  template <class T>
  SESS_HD DeviceOwn<T> own() const {
    return {};
  }

 private:
  unsigned char* shared_;
};

template <class Body>
__global__ void __launch_bounds__(kThreads) runThreads(const std::int64_t n, const __grid_constant__ Body body) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) body(i);
}

template <class Body>
__global__ void __launch_bounds__(kThreads) runBlocks(const __grid_constant__ Body body) {
  extern __shared__ __align__(16) unsigned char shared[];
  DeviceTeam team(shared);
  body(team, static_cast<std::int64_t>(blockIdx.x));
}

/** Starts kernels on the device; the streams' order is theirs. */
struct DeviceKernels {
  template <class Body>
  static void threads(cudaStream_t stream, unsigned blocks, std::int64_t n, const Body& body) {
    runThreads<<<blocks, kThreads, 0, stream>>>(n, body);
    check(cudaGetLastError(), "launching a kernel");
  }
  template <class Body>
  static void blocks(cudaStream_t stream, unsigned blocks, std::size_t bytes, const Body& body) {
    runBlocks<<<blocks, kThreads, bytes, stream>>>(body);
    check(cudaGetLastError(), "launching a kernel");
  }
};

}  // namespace sess::cuda

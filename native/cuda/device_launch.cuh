#pragma once

#include <span>

#include "core/error.h"
#include "cuda/check.h"
#include "cuda/launch.h"
#include "cuda/stream_memory.h"

namespace sess::cuda {

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

/** Launches on a stream of a device. */
class DeviceLauncher {
 public:
  explicit DeviceLauncher(int device) : device_(device) {
    check(cudaSetDevice(device), "the CUDA device cannot be used");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~DeviceLauncher() {
    (void)cudaSetDevice(device_);
    memory_.release(stream_);
    (void)cudaStreamDestroy(stream_);
  }
  DeviceLauncher(const DeviceLauncher&) = delete;
  DeviceLauncher& operator=(const DeviceLauncher&) = delete;

  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }

  void begin(const CancelFlag& cancel) {
    check(cudaSetDevice(device_), "the CUDA device cannot be used");
    memory_.reset(stream_);
    cancel_ = &cancel;
  }

  template <class Body>
  void threads(std::int64_t n, const Body& body) {
    const unsigned blocks = gridOf(ceilDiv(n, kThreads));
    if (blocks == 0) return;
    runThreads<<<blocks, kThreads, 0, stream_>>>(n, body);
    check(cudaGetLastError(), "launching a kernel");
  }

  template <class Body>
  void blocks(std::int64_t n, std::size_t bytes, const Body& body) {
    const unsigned blocks = gridOf(n);
    if (blocks == 0) return;
    runBlocks<<<blocks, kThreads, bytes, stream_>>>(body);
    check(cudaGetLastError(), "launching a kernel");
  }

  template <class T>
  const T* upload(std::span<const T> values) {
    T* const copy = workspace<T>(static_cast<std::int64_t>(values.size()));
    staging_.send(stream_, copy, values.data(), values.size_bytes());
    return copy;
  }

  void send(void* to, const void* from, std::size_t bytes) { staging_.send(stream_, to, from, bytes); }
  void receive(void* to, const void* from, std::size_t bytes) { staging_.receive(stream_, to, from, bytes); }
  void move(void* to, const void* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "copying on the device");
  }

  template <class T>
  T* workspace(std::int64_t n) {
    return static_cast<T*>(memory_.take(stream_, static_cast<std::size_t>(n) * sizeof(T)));
  }

 private:
  /** Blocks of a grid; looks at the cancel flag. */
  [[nodiscard]] unsigned gridOf(std::int64_t blocks) const {
    if (*cancel_) throw Error(Code::aborted, "The run was aborted.");
    return static_cast<unsigned>(coordinate(blocks));
  }

  int device_;
  cudaStream_t stream_ = nullptr;
  StreamMemory memory_;
  Staging staging_;
  const CancelFlag* cancel_ = nullptr;
};

}  // namespace sess::cuda

#pragma once

#include <span>

#include "core/error.h"
#include "cuda/check.h"
#include "cuda/launch.h"
#include "cuda/stream_memory.h"

namespace sess::cuda {

/** Launches on a stream of a device. `Kernels` starts them: threads(stream, blocks, n, body), blocks(stream, n, bytes,
 * body). */
template <class Kernels>
class StreamLauncher {
 public:
  explicit StreamLauncher(int device) : device_(device) {
    check(cudaSetDevice(device), "the CUDA device cannot be used");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~StreamLauncher() {
    memory_.release(stream_);
    settle();  // what an op that failed left behind reads the ring
    (void)cudaStreamDestroy(stream_);
  }
  StreamLauncher(const StreamLauncher&) = delete;
  StreamLauncher& operator=(const StreamLauncher&) = delete;

  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }

  /** Waits until what was enqueued has run, or has failed. */
  void settle() noexcept {
    (void)cudaSetDevice(device_);
    (void)cudaStreamSynchronize(stream_);
  }

  void begin(const CancelFlag& cancel) {
    check(cudaSetDevice(device_), "the CUDA device cannot be used");
    memory_.reset(stream_);
    cancel_ = &cancel;
  }

  template <class Body>
  void threads(std::int64_t n, const Body& body) {
    if (const unsigned grid = gridOf(ceilDiv(n, kThreads)); grid > 0) Kernels::threads(stream_, grid, n, body);
  }

  template <class Body>
  void blocks(std::int64_t n, std::size_t bytes, const Body& body) {
    if (const unsigned grid = gridOf(n); grid > 0) Kernels::blocks(stream_, grid, bytes, body);
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

#pragma once

#include "cuda/device.h"
#include "cuda/launched_backend.h"
#include "cuda/stream_launcher.h"

namespace sess::cuda {

/** An event of one place in a stream. */
class EventFence final : public Fence {
 public:
  EventFence(int device, cudaStream_t stream) : device_(device) {
    check(cudaSetDevice(device), "the CUDA device cannot be used");
    check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync), "creating an event");
    if (const cudaError_t status = cudaEventRecord(event_, stream); status != cudaSuccess) {
      (void)cudaEventDestroy(event_);
      check(status, "recording an event");
    }
  }
  ~EventFence() override { (void)cudaEventDestroy(event_); }
  EventFence(const EventFence&) = delete;
  EventFence& operator=(const EventFence&) = delete;

  [[nodiscard]] cudaEvent_t event() const noexcept { return event_; }
  void wait() override {
    check(cudaSetDevice(device_), "the CUDA device cannot be used");
    check(cudaEventSynchronize(event_), "an operation failed on the CUDA device");
  }

 private:
  int device_;
  cudaEvent_t event_ = nullptr;
};

/** The ops on a stream. `Kernels`: see StreamLauncher. */
template <class Kernels>
class StreamOps final : public LaunchedBackend<StreamLauncher<Kernels>, StreamBackend> {
  using Ops = LaunchedBackend<StreamLauncher<Kernels>, StreamBackend>;

 public:
  using Ops::Ops;

  /** Without one nobody would know when the memory of what was enqueued is free: then it has run when this throws. */
  std::unique_ptr<Fence> fence() override {
    try {
      return std::make_unique<EventFence>(this->launch_.device(), this->launch_.stream());
    } catch (...) {
      settle();
      throw;
    }
  }
  [[nodiscard]] void* stream() const noexcept override { return this->launch_.stream(); }
  void waitFor(StreamBackend& other) override {
    const EventFence there(this->launch_.device(), static_cast<cudaStream_t>(other.stream()));
    check(cudaStreamWaitEvent(this->launch_.stream(), there.event(), 0), "ordering two streams");
  }
  void settle() noexcept override { this->launch_.settle(); }
};

}  // namespace sess::cuda

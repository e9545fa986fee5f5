// Every kernel, in one translation unit: the headers are parsed once for each architecture, not once for each op.
#include <algorithm>

#include "cuda/device.h"
#include "cuda/device_launch.cuh"
#include "cuda/launched_backend.h"

namespace sess::cuda {
namespace {

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

class CudaBackend final : public LaunchedBackend<DeviceLauncher, StreamBackend> {
 public:
  using LaunchedBackend::LaunchedBackend;

  std::unique_ptr<Fence> fence() override { return std::make_unique<EventFence>(launch_.device(), launch_.stream()); }
  [[nodiscard]] void* stream() const noexcept override { return launch_.stream(); }
  void waitFor(StreamBackend& other) override {
    const EventFence there(launch_.device(), static_cast<cudaStream_t>(other.stream()));
    check(cudaStreamWaitEvent(launch_.stream(), there.event(), 0), "ordering two streams");
  }
};

}  // namespace

std::unique_ptr<StreamBackend> makeBackend(int device) {
  static const Presence presence = probe();  // asking takes longer than making a stream
  if (presence.devices.empty()) throw Error(Code::deviceUnavailable, presence.reason);
  const auto count = static_cast<int>(presence.devices.size());
  if (device < 0 || device >= count) {
    throw Error(Code::deviceUnavailable, "there is no CUDA device " + std::to_string(device) + ": there " +
                                             (count == 1 ? "is one" : "are " + std::to_string(count)) +
                                             ", counted from 0");
  }
  const DeviceInfo& info = presence.devices[static_cast<std::size_t>(device)];
  if (!info.fault.empty()) throw Error(Code::deviceUnavailable, info.fault);
  keepFreedMemory(device);
  return std::make_unique<CudaBackend>(device);
}

double measuredCopyRate() {
  constexpr std::size_t kBytes = std::size_t{1} << 30;  // beyond any cache
  const DeviceMemory from(kBytes), to(kBytes);
  cudaEvent_t begun = nullptr, ended = nullptr;
  check(cudaEventCreate(&begun), "creating an event");
  check(cudaEventCreate(&ended), "creating an event");
  float best = 0.0F;
  for (int round = 0; round < 10; ++round) {
    float ms = 0.0F;
    check(cudaEventRecord(begun, nullptr), "recording an event");
    check(cudaMemcpyAsync(to.get(), from.get(), kBytes, cudaMemcpyDeviceToDevice, nullptr), "copying on the device");
    check(cudaEventRecord(ended, nullptr), "recording an event");
    check(cudaEventSynchronize(ended), "copying on the device");
    check(cudaEventElapsedTime(&ms, begun, ended), "timing a copy");
    best = round == 0 ? ms : std::min(best, ms);
  }
  (void)cudaEventDestroy(begun);
  (void)cudaEventDestroy(ended);
  return 2e3 * static_cast<double>(kBytes) / static_cast<double>(best);
}

}  // namespace sess::cuda

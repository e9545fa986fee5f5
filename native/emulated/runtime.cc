// CUDA's runtime over the emulated device. https://docs.nvidia.com/cuda/cuda-runtime-api says what each function does.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "emulated/device.h"

using sess::emulated::Device;

namespace {

constexpr int kVersion = 13000;  // CUDA 13.0

Device& device() { return Device::get(); }

bool isDevice(int index) { return index == 0; }
bool isStream(cudaStream_t stream) { return stream == nullptr || device().streams.contains(stream); }

/** Memory for `memory`, as cudaErrorMemoryAllocation where the call is made to fail. */
cudaError_t allocate(void** memory, std::size_t bytes) {
  const cudaError_t status = device().with([&] {
    *memory = device().memory.take(bytes);
    return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
  return status == cudaErrorUnknown ? cudaErrorMemoryAllocation : status;
}

cudaError_t give(void* memory) {
  if (device().memory.give(memory)) return cudaSuccess;
  std::fputs("emulated device: a kernel wrote beside its memory, or what is freed was never allocated\n", stderr);
  return cudaErrorInvalidValue;
}

bool isPinned(const void* p, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(p);
  auto after = device().pinned.upper_bound(first);
  if (after == device().pinned.begin()) return false;
  --after;
  return first + bytes <= after->first + after->second;
}

/** Whether the ends of a copy lie where its kind says. */
bool endsLieRight(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const auto holds = [&](const void* p) { return device().memory.holds(p, bytes); };
  return holds(to) == (kind != cudaMemcpyDeviceToHost) && holds(from) == (kind != cudaMemcpyHostToDevice);
}

void count(std::size_t bytes, cudaMemcpyKind kind) {
  auto& counted = device().counted;
  auto& copies = kind == cudaMemcpyHostToDevice   ? counted.up
                 : kind == cudaMemcpyDeviceToHost ? counted.down
                                                  : counted.within;
  ++copies.number;
  copies.bytes += static_cast<std::int64_t>(bytes);
}

/** Enqueues a copy. From memory that is not pinned the bytes are taken at once, and to it they have come on return. */
cudaError_t enqueueCopy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!isStream(stream)) return cudaErrorInvalidResourceHandle;
  if (!endsLieRight(to, from, bytes, kind)) return cudaErrorInvalidValue;
  count(bytes, kind);
  if (kind == cudaMemcpyHostToDevice && !isPinned(from, bytes)) {
    const auto* const first = static_cast<const std::byte*>(from);
    device().enqueue(stream, [to, taken = std::vector<std::byte>(first, first + bytes)] {
      std::memcpy(to, taken.data(), taken.size());
    });
    return cudaSuccess;
  }
  device().enqueue(stream, [=] { std::memmove(to, from, bytes); });
  if (kind == cudaMemcpyDeviceToHost && !isPinned(to, bytes)) device().finish(stream);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  if (!isDevice(index)) return cudaErrorInvalidDevice;
  (void)std::snprintf(properties->name, sizeof properties->name, "emulated device");
  properties->totalGlobalMem = device().memory.limit();
  properties->major = 9;
  properties->minor = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int index) {
  *value = 1;
  return isDevice(index) ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaSetDevice(int index) { return isDevice(index) ? cudaSuccess : cudaErrorInvalidDevice; }

cudaError_t cudaGetLastError() { return cudaSuccess; }

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorUnknown:
      return "unknown error";
  }
  return "unrecognized error code";
}

cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* total) {
  return device().with([&] {
    *total = device().memory.limit();
    *available = *total - device().memory.used();
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) { return allocate(memory, bytes); }

/** Waits for the whole device, as the real one does. */
cudaError_t cudaFree(void* memory) {
  return device().always([&] {
    device().finishAll();
    return give(memory);
  });
}

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) { return allocate(memory, bytes); }

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  return device().always([&] {
    if (!isStream(stream)) return cudaErrorInvalidResourceHandle;
    device().enqueue(stream, [memory] { (void)give(memory); });
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  const cudaError_t status = device().with([&] {
    *memory = std::malloc(bytes);
    if (*memory == nullptr) return cudaErrorMemoryAllocation;
    device().pinned.emplace(static_cast<const std::byte*>(*memory), bytes);
    return cudaSuccess;
  });
  return status == cudaErrorUnknown ? cudaErrorMemoryAllocation : status;
}

/** Waits for nothing: what is still copied from there is read after it has gone. */
cudaError_t cudaFreeHost(void* memory) {
  return device().always([&] {
    if (device().pinned.erase(static_cast<const std::byte*>(memory)) == 0) return cudaErrorInvalidValue;
    std::free(memory);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int index) {
  *pool = nullptr;
  return isDevice(index) ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return cudaSuccess; }

/** Waits for the stream null alone: streams of the kind cudaStreamNonBlocking go on. */
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return device().with([&] {
    const cudaError_t status = enqueueCopy(to, from, bytes, kind, nullptr);
    if (kind != cudaMemcpyHostToDevice) device().finish(static_cast<cudaStream_t>(nullptr));
    return status;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return device().with([&] { return enqueueCopy(to, from, bytes, kind, stream); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return device().with([&] {
    *stream = std::make_unique<CUstream_st>().release();
    device().streams.insert(*stream);
    return cudaSuccess;
  });
}

/** Waits for nothing: what is in the stream runs when the device is waited for. */
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return device().always([&] {
    if (device().streams.erase(stream) == 0) return cudaErrorInvalidResourceHandle;
    std::erase_if(device().destroyed, [](const auto& done) { return done->work.empty(); });
    device().destroyed.emplace_back(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return device().always([&] {
    if (!isStream(stream)) return cudaErrorInvalidResourceHandle;
    device().finish(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return device().with([&] {
    if (!isStream(stream)) return cudaErrorInvalidResourceHandle;
    device().enqueue(stream, [there = *event->state, state = event->state] {
      if (state->reached < there.recorded) device().finishUntil(*there.stream, *state, there.recorded);
    });
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return device().with([&] {
    *event = std::make_unique<CUevent_st>().release();
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::unique_ptr<CUevent_st> owned(event);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return device().with([&] {
    if (!isStream(stream)) return cudaErrorInvalidResourceHandle;
    device().record(*event, stream);
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return device().always([&] {
    const CUevent_st::State& state = *event->state;
    if (state.reached < state.recorded) device().finishUntil(*state.stream, state, state.recorded);
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begun, cudaEvent_t ended) {
  return device().with([&] {
    *ms = std::chrono::duration<float, std::milli>(ended->state->at - begun->state->at).count();
    return cudaSuccess;
  });
}

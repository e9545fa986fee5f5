#include "cuda/device.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "cuda/architectures.h"
#include "cuda/check.h"
#include "cuda/open_stream.h"
#include "cuda/stream_memory.h"

namespace sess::cuda {
namespace {

constexpr Architecture kBuilt[] = {SESS_CUDA_BUILT};

std::string versionOf(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/** Why cudaGetDeviceCount failed, in words that lead on. */
std::string countFault(cudaError_t status, const Presence& presence) {
  switch (status) {
    case cudaErrorInsufficientDriver:
      // The runtime says the same of a driver that is missing and of one that is too old; the version tells.
      if (presence.driver.empty()) return "there is no NVIDIA driver (libcuda.so.1): install one";
      return "the NVIDIA driver is too old: it supports CUDA " + presence.driver + ", this build needs CUDA " +
             presence.runtime + " (driver 580 or newer)";
    case cudaErrorNoDevice:
      return "the NVIDIA driver sees no device (CUDA_VISIBLE_DEVICES may hide it)";
    default:
      return std::string("the NVIDIA driver does not answer: ") + cudaGetErrorString(status);
  }
}

/** Why a device cannot be used; empty where it can. Makes no context on it. */
std::string faultOf(int device, const cudaDeviceProp& properties, const DeviceInfo& info) {
  if (!runsOn(kBuilt, properties.major, properties.minor)) {
    return info.name + " has architecture " + info.architecture + ", for which this build has no kernels";
  }
  int hasPools = 0;
  const cudaError_t asked = cudaDeviceGetAttribute(&hasPools, cudaDevAttrMemoryPoolsSupported, device);
  if (asked != cudaSuccess) return std::string("the device does not answer: ") + cudaGetErrorString(asked);
  return hasPools == 0 ? info.name + " has no memory pools, which working memory comes from" : "";
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // an error that can be overcome is not to be met again
  const std::string message = std::string(what) + ": " + cudaGetErrorString(status);
  throw Error(status == cudaErrorMemoryAllocation ? Code::outOfMemory : Code::deviceUnavailable, message);
}

Presence probe() {
  Presence presence;
  int version = 0;
  if (cudaRuntimeGetVersion(&version) == cudaSuccess) presence.runtime = versionOf(version);
  version = 0;
  if (cudaDriverGetVersion(&version) == cudaSuccess && version > 0) presence.driver = versionOf(version);
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  if (status != cudaSuccess) {
    presence.reason = countFault(status, presence);
    return presence;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    const cudaError_t asked = cudaGetDeviceProperties(&properties, i);
    DeviceInfo info{properties.name, std::to_string(properties.major) + "." + std::to_string(properties.minor),
                    properties.totalGlobalMem, ""};
    if (asked != cudaSuccess) {
      info.fault = std::string("the device does not answer: ") + cudaGetErrorString(asked);
    } else {
      info.fault = faultOf(i, properties, info);
    }
    presence.devices.push_back(std::move(info));
  }
  (void)cudaGetLastError();
  const bool usable =
      std::any_of(presence.devices.begin(), presence.devices.end(), [](const auto& d) { return d.fault.empty(); });
  if (!usable) presence.reason = count > 0 ? presence.devices.front().fault : countFault(cudaErrorNoDevice, presence);
  return presence;
}

void* allocate(int device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  check(cudaSetDevice(device), "the CUDA device cannot be used");
  void* memory = nullptr;
  const std::string what = std::to_string(bytes >> 20) + " MiB of device memory cannot be allocated";
  check(cudaMalloc(&memory, bytes), what.c_str());
  return memory;
}

void release(int device, void* memory) noexcept {
  if (memory == nullptr) return;
  (void)cudaSetDevice(device);
  (void)cudaFree(memory);
}

void trim(int device) noexcept {
  cudaMemPool_t pool = nullptr;
  if (cudaDeviceGetDefaultMemPool(&pool, device) == cudaSuccess) (void)cudaMemPoolTrimTo(pool, 0);
}

void write(int device, void* to, const void* from, std::size_t bytes) {
  check(cudaSetDevice(device), "the CUDA device cannot be used");
  check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copying to the device");
  // From pageable memory it may have come no further than a buffer of the driver's.
  check(cudaStreamSynchronize(nullptr), "copying to the device");
}

void read(int device, void* to, const void* from, std::size_t bytes) {
  check(cudaSetDevice(device), "the CUDA device cannot be used");
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copying from the device");
}

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
  return openStream(device);
}

std::size_t freeMemory() {
  std::size_t available = 0, total = 0;
  check(cudaSetDevice(0), "the CUDA device cannot be used");
  check(cudaMemGetInfo(&available, &total), "asking for free memory");
  return available;
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

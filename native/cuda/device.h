#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/ops.h"

/** CUDA devices as the rest of the program sees them. Where the build has no nvcc, none.cc says so. */
namespace sess::cuda {

struct DeviceInfo {
  std::string name;
  std::string architecture;  // "9.0"
  std::size_t memoryBytes;
  /** Empty where the device can be used. */
  std::string fault;
};

/** What there is, or why there is nothing. */
struct Presence {
  /** Of the driver and of the runtime inside this build, "13.0"; empty where unknown. */
  std::string driver, runtime;
  std::vector<DeviceInfo> devices;
  /** Empty where at least one device can be used. */
  std::string reason;
};

/** Looks for devices; never throws. */
Presence probe();

/** Memory of a device. */
class DeviceMemory {
 public:
  /** Throws Code::outOfMemory, deviceUnavailable. */
  DeviceMemory(int device, std::size_t bytes);
  /** On the first device. */
  explicit DeviceMemory(std::size_t bytes) : DeviceMemory(0, bytes) {}
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;
  ~DeviceMemory();

  [[nodiscard]] void* get() const noexcept { return memory_; }
  /** Copies at once; what ops do on it must have ended. */
  void write(const void* from, std::size_t bytes);
  void read(void* to, std::size_t bytes) const;

 private:
  int device_;
  void* memory_ = nullptr;
};

/** The ops of one device on a stream of their own; for one thread at a time. */
class StreamBackend : public Backend {
 public:
  /** A cudaStream_t. */
  [[nodiscard]] virtual void* stream() const noexcept = 0;
  /** What is enqueued here from now on waits for what was enqueued in `other` so far. */
  virtual void waitFor(StreamBackend& other) = 0;
};

/** Throws Code::deviceUnavailable with the reason, outOfMemory. */
std::unique_ptr<StreamBackend> makeBackend(int device);

/** Bytes per second of a copy within the device's memory, reads and writes counted. */
double measuredCopyRate(int device);

}  // namespace sess::cuda

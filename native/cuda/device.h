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

/** Memory of a device, 256-byte aligned; null for no bytes. Throws Code::outOfMemory, deviceUnavailable. */
void* allocate(int device, std::size_t bytes);
void release(int device, void* memory) noexcept;
/** Gives back to the driver what streams have freed and the device keeps for them. */
void trim(int device) noexcept;
/** Copy at once, and have ended on return; what ops do on the memory must have ended before. */
void write(int device, void* to, const void* from, std::size_t bytes);
void read(int device, void* to, const void* from, std::size_t bytes);

/** Memory of a device with an owner. */
class DeviceMemory {
 public:
  /** On the first device. */
  explicit DeviceMemory(std::size_t bytes) : memory_(allocate(0, bytes)) {}

  [[nodiscard]] void* get() const noexcept { return memory_.get(); }
  void write(const void* from, std::size_t bytes) { cuda::write(0, memory_.get(), from, bytes); }
  void read(void* to, std::size_t bytes) const { cuda::read(0, to, memory_.get(), bytes); }

 private:
  struct Release {
    void operator()(void* memory) const noexcept { release(0, memory); }
  };
  std::unique_ptr<void, Release> memory_;
};

/** The ops of one device on a stream of their own; for one thread at a time. */
class StreamBackend : public Backend {
 public:
  /** A cudaStream_t. */
  [[nodiscard]] virtual void* stream() const noexcept = 0;
  /** What is enqueued here from now on waits for what was enqueued in `other` so far. */
  virtual void waitFor(StreamBackend& other) = 0;
  /** Waits until what was enqueued here has run, or has failed. */
  virtual void settle() noexcept = 0;
};

/** Throws Code::deviceUnavailable with the reason, outOfMemory. */
std::unique_ptr<StreamBackend> makeBackend(int device);

/** Bytes of the first device's memory that nobody has. */
std::size_t freeMemory();

/** Bytes per second of a copy within the first device's memory, reads and writes counted. */
double measuredCopyRate();

}  // namespace sess::cuda

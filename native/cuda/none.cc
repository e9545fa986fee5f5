// What stands for native/cuda where there is no nvcc.
#include "core/error.h"
#include "cuda/device.h"

namespace sess::cuda {
namespace {

constexpr const char* kReason =
    "this build of the native addon has no CUDA backend: nvcc was not found when it was made";

[[noreturn]] void missing() { throw Error(Code::deviceUnavailable, kReason); }

}  // namespace

Presence probe() { return {.driver = "", .runtime = "", .devices = {}, .reason = kReason}; }

DeviceMemory::DeviceMemory(int device, std::size_t) : device_(device) { missing(); }
DeviceMemory::DeviceMemory(DeviceMemory&&) noexcept = default;
DeviceMemory& DeviceMemory::operator=(DeviceMemory&&) noexcept = default;
DeviceMemory::~DeviceMemory() = default;
void DeviceMemory::write(const void*, std::size_t) { missing(); }
void DeviceMemory::read(void*, std::size_t) const { missing(); }

std::unique_ptr<StreamBackend> makeBackend(int) { missing(); }

double measuredCopyRate(int) { missing(); }

}  // namespace sess::cuda

// What stands for native/cuda where there is no nvcc.
#include "core/error.h"
#include "cuda/device.h"

namespace sess::cuda {
namespace {

constexpr const char* kReason =
    "this build of the native addon has no CUDA backend: there was no nvcc 12.8 or newer when it was made";

[[noreturn]] void missing() { throw Error(Code::deviceUnavailable, kReason); }

}  // namespace

Presence probe() { return {.driver = "", .runtime = "", .devices = {}, .reason = kReason}; }

void* allocate(int, std::size_t) { missing(); }
void release(int, void*) noexcept {}
void trim(int) noexcept {}
void write(int, void*, const void*, std::size_t) { missing(); }
void read(int, void*, const void*, std::size_t) { missing(); }

std::unique_ptr<StreamBackend> makeBackend(int) { missing(); }

std::size_t freeMemory() { missing(); }

double measuredCopyRate() { missing(); }

}  // namespace sess::cuda

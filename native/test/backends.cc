#include "test/backends.h"

#include "cuda/device.h"
#include "cuda/launched_backend.h"
#include "test/device_copies.h"
#include "test/host_launch.h"

namespace sess::test {

std::vector<NamedBackend> cudaBackends() {
  using OnHost = cuda::LaunchedBackend<HostLauncher>;
  std::vector<NamedBackend> all;
  const auto add = [&](const char* name, Turns turns) {
    all.push_back({name, std::make_unique<DeviceCopies<HostMemory>>(std::make_unique<OnHost>(turns))});
  };
  add("CUDA kernels on the host", Turns::forward);
  add("CUDA kernels on the host, last thread first", Turns::backward);
  if (cuda::probe().reason.empty()) {
    all.push_back({"CUDA device 0", std::make_unique<DeviceCopies<cuda::DeviceMemory>>(cuda::makeBackend(0))});
  }
  return all;
}

}  // namespace sess::test

// ONNX Runtime's processor provider in the place of its CUDA provider: as late as the emulated device's other work.
#include <memory>
#include <utility>

#include "cuda/check.h"
#include "emulated/device.h"
#include "ort/cuda_provider.h"

namespace sess::ort {

void appendCuda(Ort::SessionOptions&, const CudaStream&, Precision) {}

Ort::MemoryInfo memoryOf(const CudaStream&) {
  return Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
}

void enqueueRun(const CudaStream& cuda, Ort::Session& session, Ort::RunOptions&, Ort::IoBinding&& binding) {
  const auto kept = std::make_shared<Ort::IoBinding>(std::move(binding));
  const auto pass = [&session, kept] { session.Run(Ort::RunOptions(), *kept); };
  cuda::check(emulated::launch(static_cast<cudaStream_t>(cuda.stream), pass), "running the model");
}

}  // namespace sess::ort

#include "ort/cuda_provider.h"

#include "core/error.h"
#include "ort/failure.h"

namespace sess::ort {

/** Without copies of its own: what runs does so on our stream, which alone orders it. */
void appendCuda(Ort::SessionOptions& so, const CudaStream& cuda, Precision precision) {
  try {
    Ort::CUDAProviderOptions options;  // loads the provider
    options.Update({{"device_id", std::to_string(cuda.device)},
                    {"arena_extend_strategy", "kSameAsRequested"},
                    {"cudnn_conv_algo_search", "HEURISTIC"},
                    {"use_tf32", precision == Precision::tf32 ? "1" : "0"},
                    {"do_copy_in_default_stream", "1"}});
    options.UpdateWithValue("user_compute_stream", cuda.stream);
    so.AppendExecutionProvider_CUDA_V2(*options);
  } catch (const Ort::Exception& error) {
    const std::string message = error.what();
    throw Error(failureCode(message, true, Code::deviceUnavailable),
                "ONNX Runtime's CUDA provider cannot be used: " + message);
  }
}

Ort::MemoryInfo memoryOf(const CudaStream& cuda) {
  return {"Cuda", OrtDeviceAllocator, cuda.device, OrtMemTypeDefault};
}

void enqueueRun(const CudaStream&, Ort::Session& session, Ort::RunOptions& options, Ort::IoBinding&& binding) {
  options.AddConfigEntry("disable_synchronize_execution_providers", "1");
  session.Run(options, binding);
}

}  // namespace sess::ort

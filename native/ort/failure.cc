#include "ort/failure.h"

#include <algorithm>
#include <initializer_list>

namespace sess::ort {
namespace {

bool saysOneOf(const std::string& message, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return message.find(word) != std::string::npos; });
}

}  // namespace

Code failureCode(const std::string& message, bool onCuda, Code otherwise) {
  if (saysOneOf(message, {"Failed to allocate memory", "bad_alloc", "out of memory", "STATUS_ALLOC_FAILED",
                          "ALLOCATION_FAILED", "cudaErrorMemoryAllocation"})) {
    return Code::outOfMemory;
  }
  const bool ofDevice =
      onCuda && saysOneOf(message, {"CUDA failure", "CUDA error", "cudaError", "CUDNN failure", "CUDNN_FE failure",
                                    "CUDNN_STATUS_", "CUBLAS failure", "CUBLAS_STATUS_", "CURAND failure",
                                    "onnxruntime_providers_", "CUDA execution provider", "CUDA Execution Provider"});
  return ofDevice ? Code::deviceUnavailable : otherwise;
}

}  // namespace sess::ort

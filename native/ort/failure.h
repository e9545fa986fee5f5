#pragma once

#include <string>

#include "core/error.h"

namespace sess::ort {

/**
 * What a failure of ONNX Runtime is about, for which it has no codes, only words: Code::outOfMemory, where `onCuda`
 * Code::deviceUnavailable for a provider, CUDA, cuDNN or cuBLAS that failed, else `otherwise`.
 */
Code failureCode(const std::string& message, bool onCuda, Code otherwise);

}  // namespace sess::ort

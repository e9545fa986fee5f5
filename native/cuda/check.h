#pragma once

#include <cuda_runtime_api.h>

namespace sess::cuda {

/** Throws where `status` is no success: Code::outOfMemory, or deviceUnavailable. `what` was being done. */
void check(cudaError_t status, const char* what);

}  // namespace sess::cuda

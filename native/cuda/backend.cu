// Every kernel, in one translation unit: the headers are parsed once for each architecture, not once for each op.
#include "cuda/device_kernels.cuh"
#include "cuda/open_stream.h"
#include "cuda/stream_ops.h"

namespace sess::cuda {

std::unique_ptr<StreamBackend> openStream(int device) { return std::make_unique<StreamOps<DeviceKernels>>(device); }

}  // namespace sess::cuda

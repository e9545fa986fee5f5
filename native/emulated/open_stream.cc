#include "cuda/open_stream.h"

#include "cuda/stream_ops.h"
#include "emulated/kernels.h"

namespace sess::cuda {

std::unique_ptr<StreamBackend> openStream(int device) {
  return std::make_unique<StreamOps<emulated::HostKernels>>(device);
}

}  // namespace sess::cuda

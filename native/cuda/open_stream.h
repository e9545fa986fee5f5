#pragma once

#include <memory>

#include "cuda/device.h"

namespace sess::cuda {

/** The ops on a new stream of a device that can be used. Throws Code::deviceUnavailable. */
std::unique_ptr<StreamBackend> openStream(int device);

}  // namespace sess::cuda

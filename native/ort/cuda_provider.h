#pragma once

#include <onnxruntime_cxx_api.h>

#include "ort/session.h"

/** ONNX Runtime on a stream of a CUDA device. On the emulated one its processor provider does the work. */
namespace sess::ort {

/** Throws Code::deviceUnavailable, outOfMemory. */
void appendCuda(Ort::SessionOptions& so, const CudaStream& cuda, Precision precision);

/** Where bound tensors lie. */
Ort::MemoryInfo memoryOf(const CudaStream& cuda);

/** Enqueues a run on the session's stream. Throws Ort::Exception. */
void enqueueRun(const CudaStream& cuda, Ort::Session& session, Ort::RunOptions& options, Ort::IoBinding&& binding);

}  // namespace sess::ort

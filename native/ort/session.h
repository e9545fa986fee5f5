#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/interrupt.h"

namespace sess::ort {

enum class Optimization { all, none };
/** What matrices are multiplied in: float32, or, on a CUDA device, TF32's 10 bits of mantissa. */
enum class Precision { fp32, tf32 };

/** Where a model runs: a stream (cudaStream_t) of a CUDA device, which outlives the session. */
struct CudaStream {
  int device;
  void* stream;
};

struct SessionOptions {
  std::vector<std::byte> model;
  std::string externalFolder;  // empty: none
  int threads;
  Optimization optimization;
  Precision precision;
  std::optional<CudaStream> cuda;  // else the processor
};

struct TensorInfo {
  std::string name;
  ONNXTensorElementDataType type;
  std::vector<std::int64_t> shape;  // -1: open
};

/** Memory bound to a graph input or output by name for one run. */
struct Bound {
  std::string name;
  ONNXTensorElementDataType type;
  void* data;
  std::size_t bytes;
  std::vector<std::int64_t> shape;
};

/** A model, runnable from several threads at once. */
class Session {
 public:
  /** Throws Code::modelUnreadable, modelUnsupported, deviceUnavailable, outOfMemory. Blocks while the model is
   * prepared. */
  explicit Session(const SessionOptions& options);

  [[nodiscard]] const std::vector<TensorInfo>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const noexcept { return outputs_; }

  /** Blocks until done, or, on a CUDA device, enqueued: one run at a time there. Throws Code::aborted after
   * interrupt.raise(), modelUnsupported, deviceUnavailable or outOfMemory. */
  void run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt);

 private:
  std::optional<CudaStream> cuda_;
  Ort::MemoryInfo memory_{nullptr};  // where bound tensors lie
  Ort::Session session_{nullptr};
  std::vector<TensorInfo> inputs_, outputs_;
};

}  // namespace sess::ort

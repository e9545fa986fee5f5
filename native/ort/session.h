#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/interrupt.h"

namespace sess::ort {

enum class Optimization { all, none };

struct SessionOptions {
  std::vector<std::byte> model;
  std::string externalFolder;  // empty: none
  int threads;
  Optimization optimization;
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
  /** Throws Code::modelUnreadable, modelUnsupported, outOfMemory. Blocks while the model is prepared. */
  explicit Session(const SessionOptions& options);

  [[nodiscard]] const std::vector<TensorInfo>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const noexcept { return outputs_; }

  /** Blocks. Throws Code::aborted after interrupt.raise(), modelUnsupported or outOfMemory. */
  void run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt);

 private:
  Ort::Session session_{nullptr};
  std::vector<TensorInfo> inputs_, outputs_;
};

}  // namespace sess::ort

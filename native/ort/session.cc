#include "ort/session.h"

#include <new>

#include "core/error.h"
#include "ort/runtime.h"

namespace sess::ort {

/** Publishes a run's options to the interrupt for as long as the run lasts. */
class InterruptibleRun {
 public:
  explicit InterruptibleRun(Interrupt& interrupt) : interrupt_(interrupt) {
    const std::lock_guard lock(interrupt_.mutex_);
    if (interrupt_.raised_) throw Error(Code::aborted, "The run was aborted.");
    interrupt_.running_ = &options;
  }
  ~InterruptibleRun() {
    const std::lock_guard lock(interrupt_.mutex_);
    interrupt_.running_ = nullptr;
  }
  InterruptibleRun(const InterruptibleRun&) = delete;
  InterruptibleRun& operator=(const InterruptibleRun&) = delete;

  Ort::RunOptions options;

 private:
  Interrupt& interrupt_;
};

void Interrupt::raise() {
  const std::lock_guard lock(mutex_);
  raised_ = true;
  if (running_ != nullptr) running_->SetTerminate();
}

namespace {

Ort::SessionOptions ortOptions(const SessionOptions& options) {
  Ort::SessionOptions so;
  so.SetIntraOpNumThreads(options.threads);
  so.SetInterOpNumThreads(1);
  so.SetExecutionMode(ORT_SEQUENTIAL);
  so.SetGraphOptimizationLevel(options.optimization == Optimization::all ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
  so.DisableMemPattern();  // batches vary in size: a pattern costs memory and saves no time
  so.AddConfigEntry("session.intra_op.allow_spinning", "0");
  if (options.optimization == Optimization::none) so.AddConfigEntry("session.disable_prepacking", "1");
  if (!options.externalFolder.empty()) {
    so.AddConfigEntry("session.model_external_initializers_file_folder_path", options.externalFolder.c_str());
  }
  return so;
}

Code openCode(OrtErrorCode code) {
  return code == ORT_NOT_IMPLEMENTED ? Code::modelUnsupported : Code::modelUnreadable;
}

TensorInfo tensorInfo(const std::string& name, const Ort::TypeInfo& type) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) return {name, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, {}};
  const auto info = type.GetTensorTypeAndShapeInfo();
  return {name, info.GetElementType(), info.GetShape()};
}

Ort::Value value(const Bound& bound) {
  static const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  return Ort::Value::CreateTensor(memory, bound.data, bound.bytes, bound.shape.data(), bound.shape.size(), bound.type);
}

}  // namespace

Session::Session(const SessionOptions& options) {
  try {
    session_ = Ort::Session(environment(), options.model.data(), options.model.size(), ortOptions(options));
    const Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      inputs_.push_back(tensorInfo(session_.GetInputNameAllocated(i, allocator).get(), session_.GetInputTypeInfo(i)));
    }
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      outputs_.push_back(
          tensorInfo(session_.GetOutputNameAllocated(i, allocator).get(), session_.GetOutputTypeInfo(i)));
    }
  } catch (const Ort::Exception& error) {
    throw Error(openCode(error.GetOrtErrorCode()), "ONNX Runtime refuses the model: " + std::string(error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(Code::outOfMemory, "There is not enough memory to open the model.");
  }
}

void Session::run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt) {
  InterruptibleRun run(interrupt);
  try {
    Ort::IoBinding binding(session_);
    for (const Bound& bound : inputs) binding.BindInput(bound.name.c_str(), value(bound));
    for (const Bound& bound : outputs) binding.BindOutput(bound.name.c_str(), value(bound));
    session_.Run(run.options, binding);
  } catch (const Ort::Exception& error) {
    if (interrupt.raised()) throw Error(Code::aborted, "The run was aborted.");
    throw Error(Code::modelUnsupported, "ONNX Runtime failed to run the model: " + std::string(error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(Code::outOfMemory, "There is not enough memory to run the model.");
  }
}

}  // namespace sess::ort

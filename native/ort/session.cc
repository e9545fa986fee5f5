#include "ort/session.h"

#include "core/error.h"
#include "ort/runtime.h"

namespace sess::ort {

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

/** ONNX Runtime has no error code for want of memory, only these words. */
bool isOutOfMemory(const std::string& message) {
  return message.find("Failed to allocate memory") != std::string::npos ||
         message.find("bad_alloc") != std::string::npos;
}

Error failure(const Ort::Exception& error, const std::string& what, Code otherwise) {
  const std::string message = error.what();
  if (isOutOfMemory(message)) return {Code::outOfMemory, what + " for want of memory: " + message};
  return {error.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED ? Code::modelUnsupported : otherwise, what + ": " + message};
}

TensorInfo tensorInfo(const std::string& name, const Ort::TypeInfo& type) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) return {name, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, {}};
  const auto info = type.GetTensorTypeAndShapeInfo();
  return {name, info.GetElementType(), info.GetShape()};
}

Ort::Value value(const Bound& bound) {
  // Never destroyed, like the environment: a job may still run while the process ends.
  static const auto* const memory =
      new Ort::MemoryInfo(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault));
  return Ort::Value::CreateTensor(*memory, bound.data, bound.bytes, bound.shape.data(), bound.shape.size(), bound.type);
}

}  // namespace

Session::Session(const SessionOptions& options) {
  Ort::Env& env = environment();  // first: without it there is no API to make options with
  try {
    session_ = Ort::Session(env, options.model.data(), options.model.size(), ortOptions(options));
    const Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      inputs_.push_back(tensorInfo(session_.GetInputNameAllocated(i, allocator).get(), session_.GetInputTypeInfo(i)));
    }
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      outputs_.push_back(
          tensorInfo(session_.GetOutputNameAllocated(i, allocator).get(), session_.GetOutputTypeInfo(i)));
    }
  } catch (const Ort::Exception& error) {
    throw failure(error, "ONNX Runtime cannot open the model", Code::modelUnreadable);
  }
}

void Session::run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt) {
  try {
    Ort::RunOptions options;
    const Interrupt::Scope scope(interrupt, [&options] { options.SetTerminate(); });
    Ort::IoBinding binding(session_);
    for (const Bound& bound : inputs) binding.BindInput(bound.name.c_str(), value(bound));
    for (const Bound& bound : outputs) binding.BindOutput(bound.name.c_str(), value(bound));
    session_.Run(options, binding);
  } catch (const Ort::Exception& error) {
    if (interrupt.raised()) throw Error(Code::aborted, "The run was aborted.");
    throw failure(error, "ONNX Runtime cannot run the model", Code::modelUnsupported);
  }
}

}  // namespace sess::ort

#include "ort/session.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <utility>

#include "core/error.h"
#include "ort/cuda_provider.h"
#include "ort/failure.h"
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

Error failure(const Ort::Exception& error, const std::string& what, bool onCuda, Code otherwise) {
  const std::string message = error.what();
  if (error.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED) otherwise = Code::modelUnsupported;
  const Code code = failureCode(message, onCuda, otherwise);
  return {code, what + (code == Code::outOfMemory ? " for want of memory: " : ": ") + message};
}

TensorInfo tensorInfo(const std::string& name, const Ort::TypeInfo& type) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) return {name, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, {}};
  const auto info = type.GetTensorTypeAndShapeInfo();
  return {name, info.GetElementType(), info.GetShape()};
}

Ort::Value value(const Ort::MemoryInfo& memory, const Bound& bound) {
  return Ort::Value::CreateTensor(memory, bound.data, bound.bytes, bound.shape.data(), bound.shape.size(), bound.type);
}

/**
 * Opening a session leaves about the size of its weights freed but resident (ResNet-50: 70 of 180 MB), as the
 * optimizer's copies of them lie between small blocks that stay.
 */
void giveBackFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace

Session::Session(const SessionOptions& options) : cuda_(options.cuda) {
  Ort::Env& env = environment();  // first: without it there is no API to make options with
  try {
    memory_ = cuda_ ? memoryOf(*cuda_) : Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
    Ort::SessionOptions so = ortOptions(options);
    if (cuda_) appendCuda(so, *cuda_, options.precision);
    session_ = Ort::Session(env, options.model.data(), options.model.size(), so);
    giveBackFreedMemory();
    const Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      inputs_.push_back(tensorInfo(session_.GetInputNameAllocated(i, allocator).get(), session_.GetInputTypeInfo(i)));
    }
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      outputs_.push_back(
          tensorInfo(session_.GetOutputNameAllocated(i, allocator).get(), session_.GetOutputTypeInfo(i)));
    }
  } catch (const Ort::Exception& error) {
    throw failure(error, "ONNX Runtime cannot open the model", cuda_.has_value(), Code::modelUnreadable);
  }
}

void Session::run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt) {
  try {
    Ort::RunOptions options;
    const Interrupt::Scope scope(interrupt, [&options] { options.SetTerminate(); });
    Ort::IoBinding binding(session_);
    for (const Bound& bound : inputs) binding.BindInput(bound.name.c_str(), value(memory_, bound));
    for (const Bound& bound : outputs) binding.BindOutput(bound.name.c_str(), value(memory_, bound));
    if (cuda_) {
      enqueueRun(*cuda_, session_, options, std::move(binding));
    } else {
      session_.Run(options, binding);
    }
  } catch (const Ort::Exception& error) {
    if (interrupt.raised()) throw Error(Code::aborted, "The run was aborted.");
    throw failure(error, "ONNX Runtime cannot run the model", cuda_.has_value(), Code::modelUnsupported);
  }
}

}  // namespace sess::ort

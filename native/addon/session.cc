#include "addon/session.h"

#include <new>

#include "addon/arguments.h"
#include "addon/job.h"
#include "addon/stream.h"
#include "addon/tensor.h"
#include "ort/runtime.h"

namespace sess::addon {
namespace {

/** What Session.open hands to the constructor. */
struct OpenedSession {
  std::shared_ptr<DeviceState> device;
  std::shared_ptr<OpenSession> session;
};

/** Frees models, on a thread of its own: that takes longer than the loop may be held. Never destroyed. */
JobQueue& reaper() {
  static auto* const queue = new JobQueue();
  return *queue;
}

/** A session whose last owner, whichever thread that is on, leaves the work of freeing it to the reaper. */
std::shared_ptr<OpenSession> openSession(const DeviceState& device, const ort::SessionOptions& options) {
  (void)reaper();  // made while failing is still allowed
  return {std::make_unique<OpenSession>(device, options).release(), [](OpenSession* session) noexcept {
            std::shared_ptr<OpenSession> owned(session);
            try {
              reaper().enqueue([owned = std::move(owned)] {});
            } catch (const std::bad_alloc&) {
              owned.reset();
            }
          }};
}

const char* spelling(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return "float32";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return "float64";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return "float16";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      return "uint8";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return "int64";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return "int32";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return "bool";
    default:
      return "other";
  }
}

ONNXTensorElementDataType ortType(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case DType::float64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
    case DType::uint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case DType::int64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

Napi::Value describe(Napi::Env env, const std::vector<ort::TensorInfo>& tensors) {
  const Napi::Array array = Napi::Array::New(env, tensors.size());
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    const Napi::Object object = Napi::Object::New(env);
    const Napi::Array shape = Napi::Array::New(env, tensors[i].shape.size());
    for (std::uint32_t k = 0; k < tensors[i].shape.size(); ++k) {
      shape.Set(k, Napi::Number::New(env, static_cast<double>(tensors[i].shape[k])));
    }
    object.Set("name", tensors[i].name);
    object.Set("dtype", spelling(tensors[i].type));
    object.Set("shape", shape);
    array.Set(i, object);
  }
  return array;
}

/** Tensors bound by name for `rows` rows; `alive` keeps their memory until the run is over. */
std::vector<ort::Bound> boundTensors(const Napi::Object& bindings, const char* side, std::int64_t rows,
                                     const std::shared_ptr<DeviceState>& device,
                                     std::vector<std::shared_ptr<Storage>>& alive) {
  const Napi::Value given = bindings.Get(side);
  if (!given.IsObject()) invalid(std::string(side) + " is not an object of tensors by name");
  const auto tensors = given.As<Napi::Object>();
  const Napi::Array names = tensors.GetPropertyNames();
  std::vector<ort::Bound> bound;
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = Napi::Value(names.Get(i)).As<Napi::String>().Utf8Value();
    const auto& storage = alive.emplace_back(TensorHandle::of(tensors.Get(name)));
    if (storage->device() != device) invalid(name + " lives on another device than the session");
    std::vector<std::int64_t> shape(storage->shape().begin(), storage->shape().end());
    if (rows > shape[0]) invalid(name + " has fewer rows than the run");
    const auto rowBytes = storage->bytes() / static_cast<std::size_t>(shape[0]);
    shape[0] = rows;
    bound.push_back(
        {name, ortType(storage->dtype()), storage->data(), rowBytes * static_cast<std::size_t>(rows), shape});
  }
  return bound;
}

ort::Precision precisionOf(const Napi::Object& options) {
  if (options.Get("precision").IsUndefined()) return ort::Precision::fp32;
  return choice<ort::Precision>(options, "precision", {{"fp32", ort::Precision::fp32}, {"tf32", ort::Precision::tf32}});
}

ort::SessionOptions sessionOptions(const Napi::Object& options) {
  const Napi::Value model = options.Get("model");
  ort::SessionOptions result{
      {},
      options.Get("externalFolder").IsUndefined() ? "" : text(options, "externalFolder"),
      static_cast<int>(integer(options, "threads", 1, 1024)),
      choice<ort::Optimization>(options, "optimization",
                                {{"all", ort::Optimization::all}, {"none", ort::Optimization::none}}),
      precisionOf(options),
      std::nullopt};
  const TypedMemory bytes = typedMemory(model);  // last: reading the options ran the caller's code
  require(bytes.type == napi_uint8_array, "model is not a Uint8Array");
  const auto* first = static_cast<const std::byte*>(bytes.data);
  result.model.assign(first, first + bytes.elements);
  return result;
}

}  // namespace

OpenSession::OpenSession(const DeviceState& device, ort::SessionOptions options) {
  const auto index = device.place().cuda;
  // Shapes are inferred on the processor: that loads no library of the device's.
  if (index && options.optimization == ort::Optimization::all) {
    onStream_ = std::make_unique<ort::StreamSession>(*index, std::move(options));
  } else {
    onProcessor_ = std::make_unique<ort::Session>(options);
  }
}

void OpenSession::run(Backend& caller, const std::vector<ort::Bound>& inputs, const std::vector<ort::Bound>& outputs,
                      Interrupt& interrupt) {
  auto* const callers = dynamic_cast<cuda::StreamBackend*>(&caller);
  if (onStream_ && callers != nullptr) return onStream_->run(*callers, inputs, outputs, interrupt);
  require(callers == nullptr, "a session that only infers shapes is not run on a CUDA device");
  onProcessor_->run(inputs, outputs, interrupt);
}

Napi::Function SessionHandle::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {StaticMethod<&SessionHandle::open>("open"), InstanceAccessor<&SessionHandle::inputs>("inputs"),
                      InstanceAccessor<&SessionHandle::outputs>("outputs"), InstanceMethod<&SessionHandle::run>("run"),
                      InstanceMethod<&SessionHandle::dispose>("dispose")});
}

SessionHandle::SessionHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionHandle>(info) {
  guarded(info, [&](Napi::Env env) {
    require(info[0].IsExternal(), "a Session is made with Session.open");
    const OpenedSession& opened = *info[0].As<Napi::External<OpenedSession>>().Data();
    device_ = opened.device;
    session_ = opened.session;
    return env.Undefined();
  });
}

Napi::Value SessionHandle::open(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) -> Napi::Value {
    const std::shared_ptr<DeviceState> device = DeviceHandle::of(info[0]);
    (void)ort::environment();  // without it not even an empty session can be made
    auto options = std::make_shared<ort::SessionOptions>(sessionOptions(objectArgument(info, 1, "the options")));
    auto opened = std::make_shared<std::shared_ptr<OpenSession>>();
    const auto queue = std::make_shared<JobQueue>();
    return enqueue(
        env, queue, [options, opened, device](Interrupt&) { *opened = openSession(*device, *options); },
        [opened, device](Napi::Env e, double) -> Napi::Value {
          OpenedSession made{device, *opened};
          return Environment::of(e).session.New({Napi::External<OpenedSession>::New(e, &made)});
        });
  });
}

const std::shared_ptr<OpenSession>& SessionHandle::session() const {
  if (!session_) throw Error(Code::disposed, "The session is disposed.");
  return session_;
}

Napi::Value SessionHandle::inputs(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) { return describe(env, session()->model().inputs()); });
}

Napi::Value SessionHandle::outputs(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) { return describe(env, session()->model().outputs()); });
}

Napi::Value SessionHandle::run(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) -> Napi::Value {
    // By value: reading the bindings runs the caller's code, which may dispose stream and session.
    const std::shared_ptr<JobQueue> queue = StreamHandle::of(info[0]).queue();
    auto caller = StreamHandle::of(info[0]).backend();
    require(StreamHandle::of(info[0]).device() == device_, "the stream is of another device than the session");
    auto open = session();
    const Napi::Object bindings = objectArgument(info, 1, "the bindings");
    const std::int64_t rows = integer(bindings, "rows", 1, std::int64_t{1} << 30);
    std::vector<std::shared_ptr<Storage>> alive;
    auto inputs = boundTensors(bindings, "inputs", rows, device_, alive);
    auto outputs = boundTensors(bindings, "outputs", rows, device_, alive);
    for (const auto& storage : alive) storage->requireMemory();
    return enqueue(
        env, queue,
        [open = std::move(open), caller = std::move(caller), inputs = std::move(inputs), outputs = std::move(outputs),
         alive = std::move(alive)](Interrupt& interrupt) { open->run(*caller, inputs, outputs, interrupt); });
  });
}

Napi::Value SessionHandle::dispose(const Napi::CallbackInfo& info) {
  session_.reset();
  return info.Env().Undefined();
}

Napi::Value loadRuntime(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    require(info[0].IsString(), "the library's path is not a string");
    const Napi::Object options = objectArgument(info, 1, "the options");
    const auto preference = choice<ort::Preference>(
        options, "prefer", {{"resident", ort::Preference::resident}, {"given", ort::Preference::given}});
    const ort::RuntimeInfo& runtime = ort::loadRuntime(info[0].As<Napi::String>().Utf8Value(), preference);
    const Napi::Object object = Napi::Object::New(env);
    object.Set("version", runtime.version);
    object.Set("path", runtime.path);
    return object;
  });
}

}  // namespace sess::addon

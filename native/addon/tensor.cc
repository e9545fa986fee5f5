#include "addon/tensor.h"

#include <cmath>
#include <cstring>
#include <new>
#include <type_traits>

#include "addon/arguments.h"
#include "addon/job.h"
#include "cuda/device.h"

namespace sess::addon {
namespace {

constexpr napi_type_tag kTag = {0x5e55'de71'ce00'0003, 0xa1};

struct DTypeName {
  DType dtype;
  const char* name;
  napi_typedarray_type array;
};
constexpr DTypeName kNames[] = {{DType::float32, "float32", napi_float32_array},
                                {DType::float64, "float64", napi_float64_array},
                                {DType::uint8, "uint8", napi_uint8_array},
                                {DType::int64, "int64", napi_bigint64_array}};

const DTypeName& entry(DType dtype) { return kNames[static_cast<std::size_t>(dtype)]; }

DType dtypeOf(const Napi::Value& value) {
  const std::string given = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  for (const DTypeName& candidate : kNames) {
    if (given == candidate.name) return candidate.dtype;
  }
  invalid("dtype \"" + given + "\" is not one of float32, float64, uint8, int64");
}

DType dtypeOf(napi_typedarray_type type) {
  for (const DTypeName& candidate : kNames) {
    if (type == candidate.array) return candidate.dtype;
  }
  invalid("a tensor takes a Float32Array, Float64Array, Uint8Array or BigInt64Array");
}

/** A buffer that can shrink may lose its pages under an op. */
bool isResizable(const Napi::TypedArray& array) {
  const Napi::Value resizable = array.ArrayBuffer().Get("resizable");
  return resizable.IsBoolean() && resizable.As<Napi::Boolean>().Value();
}

/** A number of rows, at most `most`; `otherwise` where none is given. */
std::int64_t rowsOr(const Napi::Value& given, std::int64_t otherwise, std::int64_t most) {
  if (given.IsUndefined()) return otherwise;
  const double rows = given.IsNumber() ? given.As<Napi::Number>().DoubleValue() : -1;
  require(rows >= 0 && rows <= static_cast<double>(most) && rows == std::floor(rows),
          "a tensor is read up to its number of rows");
  return static_cast<std::int64_t>(rows);
}

/** Elements of a tensor, from one on. */
Napi::Value newArray(Napi::Env env, DType dtype, std::size_t first, std::size_t elements, const Storage& from) {
  const std::size_t bytes = elements * bytesOf(dtype);
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes);
  if (bytes > 0) from.copyTo(buffer.Data(), first * bytesOf(dtype), bytes);
  switch (dtype) {
    case DType::float32:
      return Napi::Float32Array::New(env, elements, buffer, 0);
    case DType::float64:
      return Napi::Float64Array::New(env, elements, buffer, 0);
    case DType::uint8:
      return Napi::Uint8Array::New(env, elements, buffer, 0);
    case DType::int64:
      return Napi::BigInt64Array::New(env, elements, buffer, 0);
  }
  return env.Undefined();
}

}  // namespace

std::size_t bytesOf(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 4;
    case DType::uint8:
      return 1;
    case DType::float64:
    case DType::int64:
      return 8;
  }
  return 8;
}

Storage::Storage(std::shared_ptr<DeviceState> device, DType dtype, std::vector<std::int64_t> shape)
    : device_(std::move(device)), dtype_(dtype), shape_(std::move(shape)), elements_(elementCount(shape_)) {
  require(elements_ < std::int64_t{1} << 56, "a tensor has too many elements");
  block_ = device_->blocks.take(bytes());
  data_ = block_.get();
  device_->allocatedBytes += static_cast<std::int64_t>(bytes());
}

Storage::Storage(std::shared_ptr<DeviceState> device, std::vector<std::int64_t> shape, const Napi::TypedArray& array)
    : device_(std::move(device)), dtype_(), shape_(std::move(shape)), elements_(elementCount(shape_)) {
  require(!device_->place().cuda, "a CUDA device cannot use JavaScript's memory: make a tensor and write to it");
  require(!isResizable(array), "memory that can be resized cannot be wrapped");
  const TypedMemory memory = typedMemory(array);
  dtype_ = dtypeOf(memory.type);
  require(static_cast<std::size_t>(elements_) == memory.elements, "the array's length is not its shape's");
  data_ = memory.data;
  wrapped_ = Napi::Persistent(array.As<Napi::Object>());
}

Storage::~Storage() {
  if (!wrapped_.IsEmpty()) return;
  device_->allocatedBytes -= static_cast<std::int64_t>(bytes());
  device_->blocks.give(std::move(block_), bytes());
}

void Storage::copyTo(void* to, std::size_t offset, std::size_t bytes) const {
  const auto* const from = static_cast<const std::byte*>(data_) + offset;
  if (const auto cuda = device_->place().cuda) {
    cuda::read(*cuda, to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void Storage::copyFrom(const void* from, std::size_t bytes) const {
  if (const auto cuda = device_->place().cuda) {
    cuda::write(*cuda, data_, from, bytes);
  } else {
    std::memmove(data_, from, bytes);
  }
}

void Storage::requireMemory() const {
  if (wrapped_.IsEmpty()) return;
  const TypedMemory memory = typedMemory(wrapped_.Value());
  if (memory.data == data_ && memory.elements == static_cast<std::size_t>(elements_)) return;
  throw Error(Code::disposed, "The memory under the tensor was transferred away.");
}

template <class T>
T* Storage::as() const {
  constexpr DType wanted = std::is_same_v<T, float>    ? DType::float32
                           : std::is_same_v<T, double> ? DType::float64
                           : sizeof(T) == 1            ? DType::uint8
                                                       : DType::int64;
  if (dtype_ != wanted) {
    invalid(std::string("a tensor of ") + entry(wanted).name + " is expected, this one has " + entry(dtype_).name);
  }
  return static_cast<T*>(data_);
}
template float* Storage::as<float>() const;
template double* Storage::as<double>() const;
template std::uint8_t* Storage::as<std::uint8_t>() const;
template std::int64_t* Storage::as<std::int64_t>() const;

Napi::Function TensorHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Tensor",
      {StaticMethod<&TensorHandle::wrap>("wrap"), InstanceAccessor<&TensorHandle::dtype>("dtype"),
       InstanceAccessor<&TensorHandle::shape>("shape"), InstanceAccessor<&TensorHandle::byteLength>("byteLength"),
       InstanceMethod<&TensorHandle::read>("read"), InstanceMethod<&TensorHandle::write>("write"),
       InstanceMethod<&TensorHandle::dispose>("dispose")});
}

TensorHandle::TensorHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TensorHandle>(info) {
  guarded(info, [&](Napi::Env env) -> Napi::Value {
    const std::shared_ptr<DeviceState> device = DeviceHandle::of(info[0]);
    if (info[1].IsTypedArray()) {  // from wrap()
      storage_ = std::make_shared<Storage>(device, shapeOf(info[2]), info[1].As<Napi::TypedArray>());
    } else {
      storage_ = std::make_shared<Storage>(device, dtypeOf(info[1]), shapeOf(info[2]));
    }
    info.This().As<Napi::Object>().TypeTag(&kTag);
    return env.Undefined();
  });
}

Napi::Value TensorHandle::wrap(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) -> Napi::Value {
    require(info[1].IsTypedArray(), "a typed array is expected");
    return Environment::of(env).tensor.New({info[0], info[1], info[2]});
  });
}

std::shared_ptr<Storage> TensorHandle::of(const Napi::Value& value) {
  require(isTagged(value, kTag), "a Tensor is expected");
  const auto& storage = Unwrap(value.As<Napi::Object>())->storage_;
  if (!storage) throw Error(Code::disposed, "The tensor is disposed.");
  return storage;
}

Napi::Value TensorHandle::dtype(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) { return Napi::String::New(env, entry(of(info.This())->dtype()).name); });
}

Napi::Value TensorHandle::shape(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    const Napi::Array shape = Napi::Array::New(env);
    std::uint32_t i = 0;
    for (const std::int64_t dimension : of(info.This())->shape()) {
      shape.Set(i++, Napi::Number::New(env, static_cast<double>(dimension)));
    }
    return shape;
  });
}

Napi::Value TensorHandle::byteLength(const Napi::CallbackInfo& info) {
  return guarded(info,
                 [&](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(of(info.This())->bytes())); });
}

Napi::Value TensorHandle::read(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    const std::shared_ptr<Storage> storage = of(info.This());
    storage->requireMemory();
    const std::int64_t rows = storage->shape()[0];
    const std::int64_t first = rowsOr(info[1], 0, rows);
    const std::int64_t count = rowsOr(info[0], rows - first, rows - first);
    const auto row = static_cast<std::size_t>(storage->elements() / rows);
    return newArray(env, storage->dtype(), static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row,
                    *storage);
  });
}

Napi::Value TensorHandle::write(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    const std::shared_ptr<Storage> storage = of(info.This());
    storage->requireMemory();
    const TypedMemory from = typedMemory(info[0]);
    require(dtypeOf(from.type) == storage->dtype() && from.elements <= static_cast<std::size_t>(storage->elements()),
            "the array has another type than the tensor, or more elements");
    if (from.elements > 0) storage->copyFrom(from.data, from.elements * bytesOf(storage->dtype()));
    return env.Undefined();
  });
}

Napi::Value TensorHandle::dispose(const Napi::CallbackInfo& info) {
  storage_.reset();
  return info.Env().Undefined();
}

}  // namespace sess::addon

#include "addon/arguments.h"

#include <cmath>
#include <type_traits>

#include "addon/job.h"

namespace sess::addon {

Napi::Value guarded(const Napi::CallbackInfo& info, const std::function<Napi::Value(Napi::Env)>& call) {
  try {
    return call(info.Env());
  } catch (const Error& error) {
    throw jsError(info.Env(), error);
  } catch (const Napi::Error&) {  // thrown by the caller's own code
    throw;
  } catch (const std::exception& error) {  // bad_alloc, or no thread to be had
    const std::string what = "There is not enough memory, or no thread to be had, for the call: ";
    throw jsError(info.Env(), Error(Code::outOfMemory, what + error.what()));
  }
}

void invalid(const std::string& what) { throw Error(Code::optionInvalid, what); }

void require(bool condition, const char* what) {
  if (!condition) invalid(what);
}

std::int64_t elementCount(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) {
    require(dimension > 0, "every dimension of a shape is at least 1");
    if (__builtin_mul_overflow(count, dimension, &count)) invalid("a shape has too many elements");
  }
  return count;
}

bool isTagged(const Napi::Value& value, const napi_type_tag& tag) {
  return value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&tag);
}

TypedMemory typedMemory(const Napi::Value& value) {
  napi_typedarray_type type{};
  std::size_t elements = 0, offset = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &elements, &data, &buffer, &offset) != napi_ok) {
    invalid("a typed array is expected");
  }
  if (!Napi::Value(value.Env(), buffer).IsArrayBuffer()) invalid("shared memory cannot be used");
  return {type, data, elements};
}

Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index, const char* what) {
  if (info.Length() <= index || !info[index].IsObject()) {
    invalid("argument " + std::to_string(index) + " is not " + what);
  }
  return info[index].As<Napi::Object>();
}

double number(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) invalid(std::string(name) + " is not a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t integer(const Napi::Object& object, const char* name, std::int64_t low, std::int64_t high) {
  const double value = number(object, name);
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) || value != std::floor(value)) {
    invalid(std::string(name) + " is not a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<std::int64_t>(value);
}

bool boolean(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) invalid(std::string(name) + " is not true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) invalid(std::string(name) + " is not a string");
  return value.As<Napi::String>().Utf8Value();
}

namespace {

constexpr std::int64_t kMaxSide = std::int64_t{1} << 30;

Napi::Object nested(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) invalid(std::string(name) + " is not an object");
  return value.As<Napi::Object>();
}

template <class Array>
auto elements(const Napi::Object& object, const char* name, const char* type, napi_typedarray_type expected) {
  const Napi::Value value = object.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != expected) {
    invalid(std::string(name) + " is not a " + type);
  }
  const TypedMemory memory = typedMemory(value);
  using Element = std::remove_cvref_t<decltype(*std::declval<Array>().Data())>;
  const auto* first = static_cast<const Element*>(memory.data);
  return std::vector<Element>(first, first + memory.elements);
}

}  // namespace

Size size(const Napi::Object& object, const char* name) {
  const Napi::Object value = nested(object, name);
  return {integer(value, "height", 1, kMaxSide), integer(value, "width", 1, kMaxSide)};
}

Rect rect(const Napi::Object& object, const char* name) {
  const Napi::Object value = nested(object, name);
  return {integer(value, "y", 0, kMaxSide), integer(value, "x", 0, kMaxSide), integer(value, "height", 1, kMaxSide),
          integer(value, "width", 1, kMaxSide)};
}

std::array<double, 3> triple(const Napi::Object& object, const char* name) {
  const Napi::Object value = nested(object, name);
  std::array<double, 3> result{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Napi::Value item = value.Get(i);
    if (!item.IsNumber()) invalid(std::string(name) + " is not three numbers");
    result[i] = item.As<Napi::Number>().DoubleValue();
  }
  return result;
}

std::vector<std::int32_t> int32s(const Napi::Object& object, const char* name) {
  return elements<Napi::Int32Array>(object, name, "Int32Array", napi_int32_array);
}

std::vector<float> float32s(const Napi::Object& object, const char* name) {
  return elements<Napi::Float32Array>(object, name, "Float32Array", napi_float32_array);
}

Gaussian gaussianOf(const Napi::Object& object) {
  const auto taps = static_cast<int>(integer(object, "size", 1, 4095));
  const double sigma = number(object, "sigma");
  require(taps % 2 == 1, "size is odd");
  require(std::isfinite(sigma) && sigma > 0, "sigma is above 0");
  return {taps, sigma};
}

std::vector<std::int64_t> shapeOf(const Napi::Value& value) {
  if (!value.IsArray()) invalid("a shape is not an array");
  const auto array = value.As<Napi::Array>();
  std::vector<std::int64_t> shape;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    const double dimension = item.IsNumber() ? item.As<Napi::Number>().DoubleValue() : -1;
    if (!(dimension >= 1 && dimension <= 9007199254740992.0) || dimension != std::floor(dimension)) {
      invalid("a shape's dimensions are whole numbers from 1");
    }
    shape.push_back(static_cast<std::int64_t>(dimension));
  }
  require(!shape.empty(), "a shape has at least one dimension");
  (void)elementCount(shape);
  return shape;
}

}  // namespace sess::addon

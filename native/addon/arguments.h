#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/ops.h"

namespace sess::addon {

/** Runs `call` at the N-API seam: a native Error becomes a JavaScript error with its code. */
Napi::Value guarded(const Napi::CallbackInfo& info, const std::function<Napi::Value(Napi::Env)>& call);

[[noreturn]] void invalid(const std::string& what);
void require(bool condition, const char* what);

/** Positive product of a shape's dimensions. Throws when it overflows. */
std::int64_t elementCount(std::span<const std::int64_t> shape);

/** Whether `value` is an object that carries the type tag: the prototype alone can be put on anything. */
bool isTagged(const Napi::Value& value, const napi_type_tag& tag);

/** Where a typed array lies now: what Napi::TypedArray remembers is from before the caller's code ran. */
struct TypedMemory {
  napi_typedarray_type type;
  void* data;
  std::size_t elements;
};
/** Throws when `value` is no typed array, or one over shared memory. */
TypedMemory typedMemory(const Napi::Value& value);

Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index, const char* what);
double number(const Napi::Object& object, const char* name);
std::int64_t integer(const Napi::Object& object, const char* name, std::int64_t low, std::int64_t high);
bool boolean(const Napi::Object& object, const char* name);
std::string text(const Napi::Object& object, const char* name);
Size size(const Napi::Object& object, const char* name);
Rect rect(const Napi::Object& object, const char* name);
std::array<double, 3> triple(const Napi::Object& object, const char* name);
std::vector<std::int32_t> int32s(const Napi::Object& object, const char* name);
std::vector<float> float32s(const Napi::Object& object, const char* name);
struct Gaussian {
  int taps;
  double sigma;
};
/** The Gaussian of `size` taps, odd, and `sigma` above 0. */
Gaussian gaussianOf(const Napi::Object& object);
std::vector<std::int64_t> shapeOf(const Napi::Value& value);

/** The choice that `name` spells out. */
template <class T>
T choice(const Napi::Object& object, const char* name, std::initializer_list<std::pair<std::string_view, T>> choices) {
  const std::string given = text(object, name);
  for (const auto& [spelling, value] : choices) {
    if (given == spelling) return value;
  }
  invalid(std::string(name) + " \"" + given + "\" is not one of its values");
}

}  // namespace sess::addon

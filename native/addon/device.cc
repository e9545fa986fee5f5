#include "addon/device.h"

#include <dlfcn.h>

#include "addon/arguments.h"
#include "addon/job.h"
#include "cuda/device.h"

namespace sess::addon {
namespace {

constexpr int kMaxThreads = 1024, kMaxIndex = 1023;
constexpr napi_type_tag kTag = {0x5e55'de71'ce00'0001, 0xa1};

const char* spelling(cpu::Simd simd) {
  switch (simd) {
    case cpu::Simd::baseline:
      return "baseline";
    case cpu::Simd::avx2:
      return "avx2";
    case cpu::Simd::avx512:
      return "avx512";
  }
  return "baseline";
}

cpu::Simd simdChoice(const Napi::Object& options) {
  const std::vector<cpu::Simd> variants = cpu::simdVariants();
  if (options.Get("simd").IsUndefined()) return variants.back();
  const auto wanted = choice<cpu::Simd>(
      options, "simd", {{"baseline", cpu::Simd::baseline}, {"avx2", cpu::Simd::avx2}, {"avx512", cpu::Simd::avx512}});
  for (const cpu::Simd variant : variants) {
    if (variant == wanted) return wanted;
  }
  throw Error(Code::deviceUnavailable, std::string("this processor has no ") + spelling(wanted));
}

std::shared_ptr<DeviceState> openDevice(const Napi::Object& options) {
  const bool cuda = choice<bool>(options, "type", {{"cpu", false}, {"cuda", true}});
  const auto threads = static_cast<int>(integer(options, "threads", 1, kMaxThreads));
  if (!cuda) return std::make_shared<DeviceState>(threads, simdChoice(options));
  return std::make_shared<DeviceState>(static_cast<int>(integer(options, "index", 0, kMaxIndex)), threads);
}

}  // namespace

DeviceState::DeviceState(int threadCount, cpu::Simd variant)
    : threads(threadCount), simd(variant), blocks(Place{}), shared_(cpu::makeBackend(threadCount, variant)) {}

DeviceState::DeviceState(int index, int threadCount)
    : threads(threadCount), simd(cpu::simdVariants().back()), blocks(Place{index}), place_{index} {
  (void)streamBackend();  // says now why the device cannot be used
}

std::shared_ptr<Backend> DeviceState::streamBackend() const {
  return place_.cuda ? cuda::makeBackend(*place_.cuda) : shared_;
}

Napi::Function DeviceHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Device",
      {InstanceAccessor<&DeviceHandle::type>("type"), InstanceAccessor<&DeviceHandle::index>("index"),
       InstanceAccessor<&DeviceHandle::threads>("threads"), InstanceAccessor<&DeviceHandle::simd>("simd"),
       InstanceAccessor<&DeviceHandle::allocatedBytes>("allocatedBytes"),
       InstanceMethod<&DeviceHandle::dispose>("dispose")});
}

DeviceHandle::DeviceHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceHandle>(info) {
  guarded(info, [&](Napi::Env env) {
    const Napi::Object options = objectArgument(info, 0, "the device's options");
    state_ = openDevice(options);
    Environment::of(env).deviceOpened(state_);
    info.This().As<Napi::Object>().TypeTag(&kTag);
    return env.Undefined();
  });
}

std::shared_ptr<DeviceState> DeviceHandle::of(const Napi::Value& value) {
  require(isTagged(value, kTag), "a Device is expected");
  const auto& state = Unwrap(value.As<Napi::Object>())->state_;
  if (!state) throw Error(Code::disposed, "The device is disposed.");
  return state;
}

Napi::Value DeviceHandle::type(const Napi::CallbackInfo& info) {
  return guarded(info,
                 [&](Napi::Env env) { return Napi::String::New(env, of(info.This())->place().cuda ? "cuda" : "cpu"); });
}

Napi::Value DeviceHandle::index(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) -> Napi::Value {
    return Napi::Number::New(env, of(info.This())->place().cuda.value_or(0));
  });
}

Napi::Value DeviceHandle::threads(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) { return Napi::Number::New(env, of(info.This())->threads); });
}

Napi::Value DeviceHandle::simd(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) { return Napi::String::New(env, spelling(of(info.This())->simd)); });
}

Napi::Value DeviceHandle::allocatedBytes(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    return Napi::Number::New(env, static_cast<double>(of(info.This())->allocatedBytes.load()));
  });
}

Napi::Value DeviceHandle::dispose(const Napi::CallbackInfo& info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value simdVariants(const Napi::CallbackInfo& info) {
  const Napi::Array names = Napi::Array::New(info.Env());
  std::uint32_t i = 0;
  for (const cpu::Simd variant : cpu::simdVariants()) names.Set(i++, spelling(variant));
  return names;
}

Napi::Value cudaPresence(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    const cuda::Presence presence = cuda::probe();
    const Napi::Array devices = Napi::Array::New(env, presence.devices.size());
    for (std::uint32_t i = 0; i < presence.devices.size(); ++i) {
      const cuda::DeviceInfo& device = presence.devices[i];
      const Napi::Object object = Napi::Object::New(env);
      object.Set("name", device.name);
      object.Set("architecture", device.architecture);
      object.Set("memoryBytes", static_cast<double>(device.memoryBytes));
      object.Set("fault", device.fault);
      devices.Set(i, object);
    }
    const Napi::Object object = Napi::Object::New(env);
    object.Set("driver", presence.driver);
    object.Set("runtime", presence.runtime);
    object.Set("devices", devices);
    object.Set("reason", presence.reason);
    return object;
  });
}

Napi::Value missingLibraries(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    require(info[0].IsArray(), "names of libraries are expected");
    const auto names = info[0].As<Napi::Array>();
    const Napi::Array missing = Napi::Array::New(env);
    for (std::uint32_t i = 0; i < names.Length(); ++i) {
      const Napi::Value name = names.Get(i);
      require(name.IsString(), "names of libraries are expected");
      void* library = dlopen(name.As<Napi::String>().Utf8Value().c_str(), RTLD_LAZY | RTLD_LOCAL);
      if (library == nullptr) {
        missing.Set(missing.Length(), name);
      } else {
        dlclose(library);
      }
    }
    return missing;
  });
}

}  // namespace sess::addon

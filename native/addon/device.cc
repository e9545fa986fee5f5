#include "addon/device.h"

#include "addon/arguments.h"
#include "addon/job.h"

namespace sess::addon {
namespace {

constexpr int kMaxThreads = 1024;
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

}  // namespace

Napi::Function DeviceHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Device",
      {InstanceAccessor<&DeviceHandle::type>("type"), InstanceAccessor<&DeviceHandle::threads>("threads"),
       InstanceAccessor<&DeviceHandle::simd>("simd"), InstanceAccessor<&DeviceHandle::allocatedBytes>("allocatedBytes"),
       InstanceMethod<&DeviceHandle::dispose>("dispose")});
}

DeviceHandle::DeviceHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceHandle>(info) {
  guarded(info, [&](Napi::Env env) {
    const Napi::Object options = objectArgument(info, 0, "the device's options");
    choice<int>(options, "type", {{"cpu", 0}});
    const auto threads = static_cast<int>(integer(options, "threads", 1, kMaxThreads));
    const cpu::Simd variant = simdChoice(options);
    state_ = std::make_shared<DeviceState>();
    state_->backend = cpu::makeBackend(threads, variant);
    state_->threads = threads;
    state_->simd = variant;
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
  return guarded(info, [&](Napi::Env env) {
    (void)of(info.This());
    return Napi::String::New(env, "cpu");
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

}  // namespace sess::addon

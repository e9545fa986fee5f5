#include "addon/stream.h"

#include "addon/arguments.h"

namespace sess::addon {
namespace {

constexpr napi_type_tag kTag = {0x5e55'de71'ce00'0002, 0xa1};

}  // namespace

Napi::Function StreamHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Stream",
      {InstanceMethod<&StreamHandle::cancel>("cancel"), InstanceMethod<&StreamHandle::dispose>("dispose")});
}

StreamHandle::StreamHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<StreamHandle>(info) {
  guarded(info, [&](Napi::Env env) {
    device_ = DeviceHandle::of(info[0]);
    backend_ = device_->streamBackend();
    queue_ = std::make_shared<JobQueue>([backend = backend_] { return backend->fence(); });
    info.This().As<Napi::Object>().TypeTag(&kTag);
    return env.Undefined();
  });
}

StreamHandle& StreamHandle::of(const Napi::Value& value) {
  require(isTagged(value, kTag), "a Stream is expected");
  StreamHandle& handle = *Unwrap(value.As<Napi::Object>());
  if (!handle.queue_) throw Error(Code::disposed, "The stream is disposed.");
  return handle;
}

Napi::Value StreamHandle::cancel(const Napi::CallbackInfo& info) {
  if (queue_) queue_->cancel();
  return info.Env().Undefined();
}

Napi::Value StreamHandle::dispose(const Napi::CallbackInfo& info) {
  queue_.reset();  // the queue closes with its last job
  backend_.reset();
  device_.reset();
  return info.Env().Undefined();
}

}  // namespace sess::addon

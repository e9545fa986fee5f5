#pragma once

#include <napi.h>

#include <memory>

#include "addon/device.h"
#include "addon/job_queue.h"
#include "ort/session.h"

namespace sess::addon {

class StreamHandle : public Napi::ObjectWrap<StreamHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit StreamHandle(const Napi::CallbackInfo& info);
  /** Throws Code::disposed, optionInvalid. */
  static StreamHandle& of(const Napi::Value& value);

  [[nodiscard]] const std::shared_ptr<JobQueue>& queue() const noexcept { return queue_; }
  [[nodiscard]] const std::shared_ptr<DeviceState>& device() const noexcept { return device_; }

 private:
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<DeviceState> device_;
  std::shared_ptr<JobQueue> queue_;
};

class SessionHandle : public Napi::ObjectWrap<SessionHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SessionHandle(const Napi::CallbackInfo& info);

 private:
  static Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value inputs(const Napi::CallbackInfo& info);
  Napi::Value outputs(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  [[nodiscard]] const std::shared_ptr<ort::Session>& session() const;

  std::shared_ptr<DeviceState> device_;
  std::shared_ptr<ort::Session> session_;
};

Napi::Value loadRuntime(const Napi::CallbackInfo& info);

}  // namespace sess::addon

#pragma once

#include <napi.h>

#include <memory>

#include "addon/device.h"
#include "addon/job_queue.h"

namespace sess::addon {

class StreamHandle : public Napi::ObjectWrap<StreamHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit StreamHandle(const Napi::CallbackInfo& info);
  /** Throws Code::disposed, optionInvalid. */
  static StreamHandle& of(const Napi::Value& value);

  [[nodiscard]] const std::shared_ptr<JobQueue>& queue() const noexcept { return queue_; }
  [[nodiscard]] const std::shared_ptr<DeviceState>& device() const noexcept { return device_; }
  [[nodiscard]] const std::shared_ptr<Backend>& backend() const noexcept { return backend_; }

 private:
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<DeviceState> device_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<JobQueue> queue_;
};

}  // namespace sess::addon

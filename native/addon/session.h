#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/device.h"
#include "ort/session.h"
#include "ort/stream_session.h"

namespace sess::addon {

/** A model on a device. On a CUDA device it runs on a stream of its own, one run after the other. */
class OpenSession {
 public:
  /** Throws as ort::Session does; blocks. */
  OpenSession(const DeviceState& device, ort::SessionOptions options);

  [[nodiscard]] const ort::Session& model() const noexcept { return onStream_ ? onStream_->model() : *onProcessor_; }
  /** Runs between what was enqueued on `caller` before and what will be enqueued after. */
  void run(Backend& caller, const std::vector<ort::Bound>& inputs, const std::vector<ort::Bound>& outputs,
           Interrupt& interrupt);

 private:
  std::unique_ptr<ort::StreamSession> onStream_;  // or
  std::unique_ptr<ort::Session> onProcessor_;
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
  [[nodiscard]] const std::shared_ptr<OpenSession>& session() const;

  std::shared_ptr<DeviceState> device_;
  std::shared_ptr<OpenSession> session_;
};

Napi::Value loadRuntime(const Napi::CallbackInfo& info);

}  // namespace sess::addon

#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "addon/memory.h"
#include "core/ops.h"
#include "cpu/backend.h"

namespace sess::addon {

/** A backend and the count of its tensors' bytes; shared by everything made on it. */
struct DeviceState {
  std::unique_ptr<Backend> backend;
  int threads;
  cpu::Simd simd;
  Blocks blocks;
  std::atomic<std::int64_t> allocatedBytes{0};
};

class DeviceHandle : public Napi::ObjectWrap<DeviceHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DeviceHandle(const Napi::CallbackInfo& info);
  /** Throws Code::disposed, optionInvalid. */
  static std::shared_ptr<DeviceState> of(const Napi::Value& value);

 private:
  Napi::Value type(const Napi::CallbackInfo& info);
  Napi::Value threads(const Napi::CallbackInfo& info);
  Napi::Value simd(const Napi::CallbackInfo& info);
  Napi::Value allocatedBytes(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<DeviceState> state_;
};

Napi::Value simdVariants(const Napi::CallbackInfo& info);

}  // namespace sess::addon

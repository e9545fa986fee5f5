#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "addon/memory.h"
#include "core/ops.h"
#include "cpu/backend.h"

namespace sess::addon {

/** What ops run on, and the count of its tensors' bytes; shared by everything made on it. */
class DeviceState {
 public:
  /** The processor's. */
  DeviceState(int threads, cpu::Simd simd);
  /** A CUDA device. Throws Code::deviceUnavailable. */
  DeviceState(int index, int threads);

  /** Where tensors lie. */
  [[nodiscard]] Place place() const noexcept { return place_; }
  /** The ops for one stream: the same for all on the processor, queued by themselves on a CUDA device. */
  [[nodiscard]] std::shared_ptr<Backend> streamBackend() const;

  const int threads;
  const cpu::Simd simd;  // of what runs on the processor
  Blocks blocks;
  std::atomic<std::int64_t> allocatedBytes{0};

 private:
  Place place_;
  std::shared_ptr<Backend> shared_;  // null on a CUDA device
};

class DeviceHandle : public Napi::ObjectWrap<DeviceHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DeviceHandle(const Napi::CallbackInfo& info);
  /** Throws Code::disposed, optionInvalid. */
  static std::shared_ptr<DeviceState> of(const Napi::Value& value);

 private:
  Napi::Value type(const Napi::CallbackInfo& info);
  Napi::Value index(const Napi::CallbackInfo& info);
  Napi::Value threads(const Napi::CallbackInfo& info);
  Napi::Value simd(const Napi::CallbackInfo& info);
  Napi::Value allocatedBytes(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<DeviceState> state_;
};

Napi::Value simdVariants(const Napi::CallbackInfo& info);
Napi::Value cudaPresence(const Napi::CallbackInfo& info);
Napi::Value missingLibraries(const Napi::CallbackInfo& info);

}  // namespace sess::addon

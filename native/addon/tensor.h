#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "addon/device.h"

namespace sess::addon {

enum class DType { float32, float64, uint8, int64 };
std::size_t bytesOf(DType dtype);

/** Memory on a device with its shape: owned, or the caller's typed array kept alive. Freed on the loop's thread. */
class Storage {
 public:
  Storage(std::shared_ptr<DeviceState> device, DType dtype, std::vector<std::int64_t> shape);
  Storage(std::shared_ptr<DeviceState> device, std::vector<std::int64_t> shape, const Napi::TypedArray& array);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] const std::shared_ptr<DeviceState>& device() const noexcept { return device_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] std::span<const std::int64_t> shape() const noexcept { return shape_; }
  [[nodiscard]] std::int64_t elements() const noexcept { return elements_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(elements_) * bytesOf(dtype_); }
  [[nodiscard]] void* data() const noexcept { return data_; }

  /** To and from the processor's memory, from byte `offset` on or to the start; they wait for a CUDA device. */
  void copyTo(void* to, std::size_t offset, std::size_t bytes) const;
  void copyFrom(const void* from, std::size_t bytes) const;

  /** Throws Code::disposed when the wrapped array's memory went elsewhere. To be asked on the loop's thread. */
  void requireMemory() const;

  /** The memory as T. Throws Code::optionInvalid when the dtype is another. */
  template <class T>
  [[nodiscard]] T* as() const;

 private:
  std::shared_ptr<DeviceState> device_;
  DType dtype_;
  std::vector<std::int64_t> shape_;
  std::int64_t elements_;
  Block block_;  // empty where the memory is wrapped
  void* data_ = nullptr;
  Napi::ObjectReference wrapped_;
};

class TensorHandle : public Napi::ObjectWrap<TensorHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TensorHandle(const Napi::CallbackInfo& info);
  /** Throws Code::disposed, optionInvalid. */
  static std::shared_ptr<Storage> of(const Napi::Value& value);

 private:
  static Napi::Value wrap(const Napi::CallbackInfo& info);
  Napi::Value dtype(const Napi::CallbackInfo& info);
  Napi::Value shape(const Napi::CallbackInfo& info);
  Napi::Value byteLength(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Storage> storage_;
};

}  // namespace sess::addon

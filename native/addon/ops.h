#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <vector>

#include "addon/stream.h"
#include "addon/tensor.h"

namespace sess::addon {

/** The tensors of one op call: checks that they live on the stream's device and keeps them until it has run. */
class OpCall {
 public:
  explicit OpCall(const Napi::CallbackInfo& info);

  /** The tensor at argument `index` with exactly `rank` dimensions. */
  const Storage& tensor(std::size_t index, std::size_t rank);
  /** The tensor at argument `index` of any rank. */
  const Storage& tensor(std::size_t index);
  /** The tensor at argument `index`, on the stream's device or in the processor's memory. */
  const Storage& tensorNearby(std::size_t index);
  /** Enqueues `op`; its captures and the tensors live until it has run. */
  Napi::Value enqueue(std::function<void(Backend&, const CancelFlag&)> op);

 private:
  const Napi::CallbackInfo& info_;
  // Of the stream at the time of the call: reading options runs the caller's code, which may dispose it.
  std::shared_ptr<JobQueue> queue_;
  std::shared_ptr<DeviceState> device_;
  std::shared_ptr<Backend> backend_;
  std::vector<std::shared_ptr<Storage>> alive_;
};

/** Every row index is inside a tensor of `rows` rows. */
void requireRows(std::span<const std::int32_t> indices, std::int64_t rows);

/** The choice NCHW or NHWC named `layout`. */
Layout layoutOf(const Napi::Object& options);

/** The two tensors have no memory in common. */
void requireApart(const Storage& a, const Storage& b);

/** Both tensors have one shape. */
void requireSameShape(const Storage& a, const Storage& b);

Napi::Value copy(const Napi::CallbackInfo& info);
Napi::Value flatten(const Napi::CallbackInfo& info);
Napi::Value pyramid(const Napi::CallbackInfo& info);
Napi::Value patches(const Napi::CallbackInfo& info);
Napi::Value gather(const Napi::CallbackInfo& info);
Napi::Value score(const Napi::CallbackInfo& info);
Napi::Value camReduce(const Napi::CallbackInfo& info);
Napi::Value fuse(const Napi::CallbackInfo& info);
Napi::Value fold(const Napi::CallbackInfo& info);
Napi::Value finish(const Napi::CallbackInfo& info);
Napi::Value upsample(const Napi::CallbackInfo& info);
Napi::Value smooth(const Napi::CallbackInfo& info);
Napi::Value grey(const Napi::CallbackInfo& info);
Napi::Value noise(const Napi::CallbackInfo& info);
Napi::Value accumulate(const Napi::CallbackInfo& info);
Napi::Value channelRanges(const Napi::CallbackInfo& info);
Napi::Value groupReduce(const Napi::CallbackInfo& info);
Napi::Value maskBatch(const Napi::CallbackInfo& info);
Napi::Value blur(const Napi::CallbackInfo& info);
Napi::Value ablate(const Napi::CallbackInfo& info);
Napi::Value riseMask(const Napi::CallbackInfo& info);
Napi::Value riseReduce(const Napi::CallbackInfo& info);
Napi::Value occlude(const Napi::CallbackInfo& info);
Napi::Value occlusionReduce(const Napi::CallbackInfo& info);
Napi::Value overlay(const Napi::CallbackInfo& info);

}  // namespace sess::addon

#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cuda/device.h"
#include "ort/session.h"

namespace sess::ort {

/** A model on a stream of a CUDA device that is its own, one run after the other. */
class StreamSession {
 public:
  /** Throws as Session does; blocks. */
  StreamSession(int device, SessionOptions options);
  /** Waits for what was enqueued. */
  ~StreamSession();
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

  [[nodiscard]] const Session& model() const noexcept { return model_; }
  /** Enqueues a run between what was enqueued on `caller` before and what will be enqueued after; where that order
   * cannot be had, what was enqueued has run when this throws. Throws as Session::run does. */
  void run(cuda::StreamBackend& caller, const std::vector<Bound>& inputs, const std::vector<Bound>& outputs,
           Interrupt& interrupt);

 private:
  void letWait(cuda::StreamBackend& caller);

  std::unique_ptr<cuda::StreamBackend> stream_;  // outlives the model
  Session model_;
  std::mutex running_;
};

}  // namespace sess::ort

#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "emulated/memory.h"

/** Work of the device, in the order of its stream. */
struct CUstream_st {
  std::deque<std::function<void()>> work;
};

/** The last place in a stream that was recorded, and the last that was reached. */
struct CUevent_st {
  struct State {
    std::uint64_t recorded = 0, reached = 0;
    CUstream_st* stream = nullptr;  // of the last recording
    std::chrono::steady_clock::time_point at;
  };
  std::shared_ptr<State> state = std::make_shared<State>();
};

namespace sess::emulated {

/** What was asked of the device so far. */
struct Counts {
  struct Copies {
    std::int64_t number = 0, bytes = 0;
  };
  Copies up, down, within;
  std::int64_t launches = 0;
};

/**
 * A CUDA device that this process plays, for tests without a GPU. It is late: what is enqueued
 * runs only once somebody waits for it, so what relies on luck with time fails every time. Kernels are the bodies that
 * a real device runs, thread by thread (kernels.h).
 */
class Device {
 public:
  /** The one of this process, with `SESS_EMULATED_MEMORY` bytes. Writes its counts to the file `SESS_EMULATED_COUNTS`,
   * if that is named, when the process ends. Never destroyed. */
  static Device& get();

  /** `call` with the device to itself, and its status; or, where a kernel failed earlier, that failure. */
  cudaError_t always(const std::function<cudaError_t()>& call);
  /** The same for a call that can be made to fail. */
  cudaError_t with(const std::function<cudaError_t()>& call);

  void enqueue(CUstream_st* stream, std::function<void()> work);
  void record(CUevent_st& event, CUstream_st* stream);
  /** Runs what is in the stream. */
  void finish(CUstream_st* stream);
  void finishAll();
  /** Runs what stands in the stream before place `place` of the event. */
  void finishUntil(CUstream_st& stream, const CUevent_st::State& event, std::uint64_t place);
  [[nodiscard]] cudaError_t fault() const { return fault_; }

  /** The n-th call from now on fails, once: what asks for memory has none, all else an unknown error. 0: none does. */
  void failCall(int n);
  [[nodiscard]] Counts counts();

  Memory memory;
  CUstream_st legacy;  // the stream null
  std::set<CUstream_st*> streams;
  std::vector<std::unique_ptr<CUstream_st>> destroyed;  // with work that has not run
  std::map<const std::byte*, std::size_t> pinned;
  Counts counted;

 private:
  Device();
  void runUntil(CUstream_st& stream, const std::function<bool()>& done);
  void runFirst(CUstream_st& stream);

  std::recursive_mutex mutex_;  // a wait within a stream's work runs another's
  int running_ = 0;
  int callsToFailure_ = 0;
  cudaError_t fault_ = cudaSuccess;
};

/** Enqueues a kernel, or a model's pass. */
cudaError_t launch(CUstream_st* stream, std::function<void()> work);

}  // namespace sess::emulated

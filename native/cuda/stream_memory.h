#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

namespace sess::cuda {

/** Lets the device keep some of what streams free: giving it back to the driver at every synchronisation costs time. */
void keepFreedMemory(int device);

/**
 * Working memory of the ops of one stream: handed out piece by piece, taken back all at once when the next op begins.
 * The next op's kernels run after this one's, so they may have the same memory.
 */
class StreamMemory {
 public:
  StreamMemory() = default;
  StreamMemory(const StreamMemory&) = delete;
  StreamMemory& operator=(const StreamMemory&) = delete;

  /** Frees in the stream's order. */
  void release(cudaStream_t stream) noexcept;
  /** Begins anew, in one piece of all that the last op had. */
  void reset(cudaStream_t stream);
  /** 256-byte aligned. Throws Code::outOfMemory. */
  void* take(cudaStream_t stream, std::size_t bytes);

 private:
  struct Chunk {
    void* memory;
    std::size_t bytes;
  };
  void grow(cudaStream_t stream, std::size_t bytes);

  std::vector<Chunk> chunks_;
  std::size_t used_ = 0;  // of the last chunk
};

/** Host arrays on their way to the device and back: a pinned ring, of which a half is used again once it was copied. */
class Staging {
 public:
  Staging() = default;
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /** Copies `bytes` to `to` in the stream's order; `from` may go at once. */
  void send(cudaStream_t stream, void* to, const void* from, std::size_t bytes);
  /** Copies `bytes` to `to` in the stream's order, and waits until they have come. */
  void receive(cudaStream_t stream, void* to, const void* from, std::size_t bytes);

 private:
  static constexpr std::size_t kHalf = std::size_t{512} << 10;
  void open();
  void turn(cudaStream_t stream);

  std::byte* ring_ = nullptr;  // 2 * kHalf
  cudaEvent_t copied_[2] = {nullptr, nullptr};
  int half_ = 0;
  std::size_t used_ = 0;  // of the half
};

}  // namespace sess::cuda

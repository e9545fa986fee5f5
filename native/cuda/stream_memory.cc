#include "cuda/stream_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "cuda/check.h"
#include "cuda/halves.h"

namespace sess::cuda {

void keepFreedMemory(int device) {
  constexpr std::uint64_t kKept = std::uint64_t{256} << 20;
  std::uint64_t most = kKept;
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, device), "asking for the device's memory pool");
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &most), "setting up the device's memory pool");
}

void StreamMemory::release(cudaStream_t stream) noexcept {
  for (const Chunk& chunk : chunks_) (void)cudaFreeAsync(chunk.memory, stream);
  chunks_.clear();
}

void StreamMemory::reset(cudaStream_t stream) {
  used_ = 0;
  if (chunks_.size() < 2) return;
  std::size_t total = 0;
  for (const Chunk& chunk : chunks_) total += chunk.bytes;
  release(stream);
  grow(stream, total);
}

void* StreamMemory::take(cudaStream_t stream, std::size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (chunks_.empty() || used_ + bytes > chunks_.back().bytes) grow(stream, bytes);
  void* taken = static_cast<std::byte*>(chunks_.back().memory) + used_;
  used_ += bytes;
  return taken;
}

void StreamMemory::grow(cudaStream_t stream, std::size_t bytes) {
  constexpr std::size_t kLeast = std::size_t{1} << 20;
  Chunk chunk{nullptr, std::max(bytes, kLeast)};
  const std::string what =
      std::to_string(chunk.bytes >> 20) + " MiB of working memory cannot be allocated on the device";
  check(cudaMallocAsync(&chunk.memory, chunk.bytes, stream), what.c_str());
  chunks_.push_back(chunk);
  used_ = 0;
}

Staging::~Staging() {
  for (cudaEvent_t event : copied_) {
    if (event != nullptr) (void)cudaEventDestroy(event);
  }
  if (ring_ != nullptr) (void)cudaFreeHost(ring_);
}

void Staging::open() {
  if (ring_ != nullptr) return;
  for (cudaEvent_t& event : copied_) {
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync), "creating an event");
  }
  void* ring = nullptr;
  check(cudaMallocHost(&ring, 2 * kHalf), "pinned memory cannot be allocated");
  ring_ = static_cast<std::byte*>(ring);
}

void Staging::receive(cudaStream_t stream, void* to, const void* from, std::size_t bytes) {
  open();
  for (int half = 0; half < 2; ++half) turn(stream);  // what is on its way up has left both
  throughHalves(
      bytes, kHalf,
      [&](int half, std::size_t at, std::size_t some) {
        check(cudaMemcpyAsync(ring_ + static_cast<std::size_t>(half) * kHalf, static_cast<const std::byte*>(from) + at,
                              some, cudaMemcpyDeviceToHost, stream),
              "copying from the device");
        check(cudaEventRecord(copied_[half], stream), "recording an event");
      },
      [&](int half, std::size_t at, std::size_t some) {
        check(cudaEventSynchronize(copied_[half]), "an operation failed on the CUDA device");
        std::memcpy(static_cast<std::byte*>(to) + at, ring_ + static_cast<std::size_t>(half) * kHalf, some);
      });
}

void Staging::send(cudaStream_t stream, void* to, const void* from, std::size_t bytes) {
  open();
  for (std::size_t done = 0; done < bytes;) {
    if (used_ == kHalf) turn(stream);
    const std::size_t some = std::min(bytes - done, kHalf - used_);
    std::byte* const place = ring_ + static_cast<std::size_t>(half_) * kHalf + used_;
    std::memcpy(place, static_cast<const std::byte*>(from) + done, some);
    check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, place, some, cudaMemcpyHostToDevice, stream),
          "copying an op's arguments to the device");
    used_ += some;
    done += some;
  }
}

void Staging::turn(cudaStream_t stream) {
  check(cudaEventRecord(copied_[half_], stream), "recording an event");
  half_ = 1 - half_;
  check(cudaEventSynchronize(copied_[half_]), "waiting for an op's arguments");  // at once where it never was recorded
  used_ = 0;
}

}  // namespace sess::cuda

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "core/error.h"
#include "core/hd.h"
#include "core/ops.h"

/**
 * How kernels are written, so that a device and a test on the host run the same code. A kernel is a function object:
 * `body(i)`, one thread for each i, or `body(team, block)`, a team of kThreads threads with shared memory that goes
 * through its work in phases.
 *
 * A launcher (stream_launcher.h on a device, test/host_launch.h on the host) has
 *   threads(n, body)            body(i) for i < n
 *   blocks(n, bytes, body)      body(team, b) for b < n, each team with `bytes` of shared memory
 *   upload(span)                a copy of a small host array in device memory, until the op ends
 *   workspace<T>(n)             device memory with undefined contents, until the op ends
 *   send(to, from, n)           n bytes to the device; `from` may go at once
 *   receive(to, from, n)        n bytes from the device, which have come on return
 *   move(to, from, n)           n bytes within the device
 *
 * A team has
 *   each(n, f)      f(i) for i < n, shared out over the threads; all see afterwards what it wrote
 *   sync()          waits until all threads are here
 *   count(p)        ++*p for an integer in shared memory that other threads count up as well
 *   array<T>(n)     the next part of the shared memory
 *   own<T>()        a T of each thread's own, which stays from phase to phase: own.of(t) within each(kThreads, ...)
 * What stands outside `each` is done alike by every thread, so it may only read.
 */
namespace sess::cuda {

inline constexpr int kThreads = 256;                   // of a team
inline constexpr std::size_t kMostShared = 48 * 1024;  // bytes of a team, on every architecture

/** Bytes that `array<T>(n)` takes. */
template <class T>
constexpr std::size_t sharedBytes(std::int64_t n) {
  return (static_cast<std::size_t>(n) * sizeof(T) + 15) / 16 * 16;
}

SESS_HD constexpr std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
SESS_HD constexpr int least(int a, int b) { return a < b ? a : b; }
SESS_HD constexpr int most(int a, int b) { return a > b ? a : b; }

/** Elements that move at once: their address is a multiple of their size. */
struct alignas(16) Float4 {
  float at[4];
};
struct alignas(4) Byte4 {
  std::uint8_t at[4];
};

/** Whether every address `p + k * stride` suits `loadAligned<T>`. */
template <class T>
bool suits(const void* p, std::int64_t strideBytes = 0) {
  return reinterpret_cast<std::uintptr_t>(p) % sizeof(T) == 0 &&
         strideBytes % static_cast<std::int64_t>(sizeof(T)) == 0;
}

/** On the host, what a device would stop at, in builds without asserts too. */
template <class T>
void requireAligned(const void* p) {
  if (!suits<T>(p)) throw std::logic_error("a kernel moves elements at an address that is no multiple of their size");
}

template <class T>
SESS_HD_INLINE T loadAligned(const void* from) {
#if defined(__CUDA_ARCH__)
  return *static_cast<const T*>(from);
#else
  requireAligned<T>(from);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
#endif
}

template <class T>
SESS_HD_INLINE void storeAligned(void* to, const T& value) {
#if defined(__CUDA_ARCH__)
  *static_cast<T*>(to) = value;
#else
  requireAligned<T>(to);
  std::memcpy(to, &value, sizeof(T));
#endif
}

/** Coordinates on the device have 32 bits. Throws Code::optionInvalid. */
inline int coordinate(std::int64_t v) {
  if (v > 0x7FFFFFFF) throw Error(Code::optionInvalid, "a side of more than 2,147,483,647 does not fit a CUDA kernel");
  return static_cast<int>(v);
}

}  // namespace sess::cuda

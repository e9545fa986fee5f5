#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/ops.h"

namespace sess::cpu {

/** Memory of one running task, kept between tasks and ops so that pages are touched once. */
class Scratch {
 public:
  /** At least `count` elements, 64-byte aligned, contents undefined; takes the place of what was asked before. */
  template <class T>
  T* of(std::int64_t count) {
    return static_cast<T*>(bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(void* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  void* bytes(std::size_t size);
  std::unique_ptr<void, Free> memory_;
  std::size_t capacity_ = 0;
};

/** `threads - 1` workers; every caller of `parallelFor` works on its own tasks too, so several make progress at once.
 */
class ThreadPool {
 public:
  using Body = std::function<void(std::int64_t task, Scratch& scratch)>;

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /**
   * Runs every task in [0, tasks) once, in no set order, and returns when all have ended. The first exception of a
   * task ends the rest and is thrown here; so does `cancel`, as Code::aborted.
   */
  void parallelFor(std::int64_t tasks, const CancelFlag& cancel, const Body& body);

 private:
  struct Job;
  void stop();
  void work();
  void run(Job& job);
  void retire(const Job& job);
  std::unique_ptr<Scratch> takeScratch();
  void giveScratch(std::unique_ptr<Scratch> scratch);

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::vector<Job*> jobs_;  // those that may have tasks left
  bool stopping_ = false;
  std::mutex scratchMutex_;
  std::vector<std::unique_ptr<Scratch>> scratches_;
  std::vector<std::thread> workers_;
};

}  // namespace sess::cpu

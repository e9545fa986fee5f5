#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/interrupt.h"

namespace sess::addon {

/** A queue of jobs and the thread that runs them in order. */
class JobQueue {
 public:
  using Job = std::function<void()>;

  JobQueue();
  /** Closes; what was enqueued still runs, on its own. */
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  void enqueue(Job job);
  /** Ends the running model run or op early. Jobs that follow are still called: they see the interrupt. */
  void cancel() { shared_->interrupt.raise(); }
  [[nodiscard]] Interrupt& interrupt() noexcept { return shared_->interrupt; }
  /** Lets the thread go once the queue is empty, without waiting. */
  void close();
  /** Waits until the thread has ended; call close first. */
  void join();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> jobs;
    bool closed = false;
    Interrupt interrupt;
  };
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace sess::addon

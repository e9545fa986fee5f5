#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/interrupt.h"
#include "core/ops.h"

namespace sess::addon {

/**
 * A queue of jobs and the thread that runs them in order. Where jobs enqueue work on a device, `fence` tells when that
 * has run, and a second thread waits for it, so that the first goes on with the next job.
 */
class JobQueue {
 public:
  using Job = std::function<void()>;
  using MakeFence = std::function<std::unique_ptr<Fence>()>;

  explicit JobQueue(MakeFence fence = {});
  /** Closes; what was enqueued still runs, on its own. */
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  void enqueue(Job job);
  /** Behind the device's work of the jobs so far; null where there is none. Asked for by a job, on its thread. */
  [[nodiscard]] std::unique_ptr<Fence> fence() const { return fence_ ? fence_() : nullptr; }
  /** Runs `job` on the second thread, in the order of the calls, which come from the first. */
  void afterwards(Job job);
  /** Ends the running model run or op early. Jobs that follow are still called: they see the interrupt. */
  void cancel() { shared_->interrupt.raise(); }
  [[nodiscard]] Interrupt& interrupt() noexcept { return shared_->interrupt; }
  /** Lets the thread go once the queue is empty, without waiting. */
  void close();
  /** Waits until the threads have ended; call close first. */
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

  MakeFence fence_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<JobQueue> after_;  // made by the first job that needs it
  std::thread thread_;
};

}  // namespace sess::addon

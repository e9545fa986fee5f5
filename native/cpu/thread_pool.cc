#include "cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cassert>

#include "core/error.h"

namespace sess::cpu {

namespace {
constexpr std::size_t kKeptScratch = std::size_t{4} << 20;  // a larger one is freed after its op
}

void* Scratch::bytes(std::size_t size) {
  if (size > capacity_) {
    memory_.reset();
    capacity_ = 0;
    memory_.reset(::operator new (size, std::align_val_t{64}));
    capacity_ = size;
  }
  return memory_.get();
}

struct ThreadPool::Job {
  const Body& body;
  const CancelFlag& cancel;
  const std::int64_t tasks;
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> ended{false};
  int helpers = 0;  // guarded by the pool's mutex, like the two below
  bool cancelled = false;
  std::exception_ptr error = nullptr;
};

ThreadPool::ThreadPool(int threads) {
  assert(threads >= 1);
  workers_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::parallelFor(std::int64_t tasks, const CancelFlag& cancel, const Body& body) {
  Job job{body, cancel, tasks};
  const auto helpers = std::min<std::int64_t>(tasks - 1, static_cast<std::int64_t>(workers_.size()));
  if (helpers > 0) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
    }
    if (helpers == 1) {
      wake_.notify_one();
    } else {
      wake_.notify_all();
    }
  }
  run(job);
  {
    std::unique_lock lock(mutex_);
    retire(job);
    idle_.wait(lock, [&] { return job.helpers == 0; });
  }
  if (job.error) std::rethrow_exception(job.error);
  if (job.cancelled) throw Error(Code::aborted, "the operation was cancelled");
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job& job = *jobs_.front();
    std::rotate(jobs_.begin(), jobs_.begin() + 1, jobs_.end());  // the next worker helps the next caller
    ++job.helpers;
    lock.unlock();
    run(job);
    lock.lock();
    retire(job);
    if (--job.helpers == 0) idle_.notify_all();
  }
}

void ThreadPool::run(Job& job) {
  try {
    std::unique_ptr<Scratch> scratch;
    while (!job.ended.load(std::memory_order_relaxed)) {
      const std::int64_t task = job.next.fetch_add(1, std::memory_order_relaxed);
      if (task >= job.tasks) break;
      if (job.cancel.load(std::memory_order_relaxed)) {
        job.ended = true;
        const std::lock_guard lock(mutex_);
        job.cancelled = true;
        break;
      }
      if (!scratch) scratch = takeScratch();
      job.body(task, *scratch);
    }
    if (scratch) giveScratch(std::move(scratch));
  } catch (...) {
    job.ended = true;
    const std::lock_guard lock(mutex_);
    if (!job.error) job.error = std::current_exception();
  }
}

void ThreadPool::retire(const Job& job) {
  const auto it = std::find(jobs_.begin(), jobs_.end(), &job);
  if (it != jobs_.end()) jobs_.erase(it);
}

std::unique_ptr<Scratch> ThreadPool::takeScratch() {
  const std::lock_guard lock(scratchMutex_);
  if (scratches_.empty()) return std::make_unique<Scratch>();
  auto scratch = std::move(scratches_.back());
  scratches_.pop_back();
  return scratch;
}

void ThreadPool::giveScratch(std::unique_ptr<Scratch> scratch) {
  if (scratch->capacity() > kKeptScratch) return;
  const std::lock_guard lock(scratchMutex_);
  if (scratches_.size() < 2 * workers_.size() + 2) scratches_.push_back(std::move(scratch));
}

}  // namespace sess::cpu

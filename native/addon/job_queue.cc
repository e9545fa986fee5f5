#include "addon/job_queue.h"

#include <utility>

namespace sess::addon {

JobQueue::JobQueue(MakeFence fence)
    : fence_(std::move(fence)), shared_(std::make_shared<Shared>()), thread_(work, shared_) {}

JobQueue::~JobQueue() {
  close();
  if (thread_.joinable()) thread_.detach();
}

void JobQueue::enqueue(Job job) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->jobs.push_back(std::move(job));
  }
  shared_->wake.notify_one();
}

void JobQueue::afterwards(Job job) {
  if (!after_) after_ = std::make_shared<JobQueue>();
  const std::shared_ptr<JobQueue> after = after_;  // the job may end this queue while it is being enqueued
  after->enqueue(std::move(job));
}

void JobQueue::close() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
  }
  shared_->wake.notify_one();
}

void JobQueue::join() {
  if (thread_.joinable()) thread_.join();
  if (!after_) return;
  after_->close();
  after_->join();
}

void JobQueue::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->closed || !shared->jobs.empty(); });
    if (shared->jobs.empty()) return;
    Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // unlocked: it may have the last handle to this queue
    lock.lock();
  }
}

}  // namespace sess::addon

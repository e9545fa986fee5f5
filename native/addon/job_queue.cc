#include "addon/job_queue.h"

namespace sess::addon {

JobQueue::JobQueue() : shared_(std::make_shared<Shared>()), thread_(work, shared_) {}

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

void JobQueue::close() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
  }
  shared_->wake.notify_one();
}

void JobQueue::join() {
  if (thread_.joinable()) thread_.join();
}

void JobQueue::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->closed || !shared->jobs.empty(); });
    if (shared->jobs.empty()) return;
    const Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace sess::addon

#include "addon/job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sess::test {
namespace {

using addon::JobQueue;

TEST(JobQueue, RunsJobsInOrderAndThoseThatWaitWhenItIsClosed) {
  std::vector<int> order;
  {
    JobQueue queue;
    for (int i = 0; i < 100; ++i) queue.enqueue([&order, i] { order.push_back(i); });
    queue.close();
    queue.join();
  }
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(JobQueue, OutlivesItsOwnerUntilItsJobsHaveRun) {
  std::promise<void> go, done;
  {
    JobQueue queue;
    queue.enqueue([&] { go.get_future().wait(); });
    queue.enqueue([&] { done.set_value(); });
  }
  go.set_value();
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(JobQueue, MayEndWithTheJobThatHasItsLastHandle) {
  for (const bool afterwards : {false, true}) {
    std::promise<void> go, ended;
    {
      const std::shared_ptr<JobQueue> queue(std::make_unique<JobQueue>().release(), [&](JobQueue* last) {
        std::unique_ptr<JobQueue>(last).reset();
        ended.set_value();
      });
      const JobQueue::Job job = [queue, ready = go.get_future().share()] { ready.wait(); };
      JobQueue& own = *queue;
      own.enqueue(afterwards ? [&own, job] { own.afterwards(job); } : job);
    }
    go.set_value();
    ASSERT_EQ(ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  }
}

TEST(Interrupt, StopsWhatRunsWhenItIsRaised) {
  for (int round = 0; round < 200; ++round) {
    Interrupt interrupt;
    std::atomic<bool> stopped{false};
    std::thread raiser([&] { interrupt.raise(); });
    {
      const Interrupt::Scope scope(interrupt, [&] { stopped = true; });
      while (!interrupt.raised()) std::this_thread::yield();
      raiser.join();
      EXPECT_TRUE(stopped);
    }
    EXPECT_TRUE(interrupt.raised());
  }
}

TEST(Interrupt, StopsWhatBeginsAfterItWasRaised) {
  Interrupt interrupt;
  interrupt.raise();
  bool stopped = false;
  const Interrupt::Scope scope(interrupt, [&] { stopped = true; });
  EXPECT_TRUE(stopped);
}

TEST(Interrupt, LeavesWhatHasEndedAlone) {
  Interrupt interrupt;
  bool stopped = false;
  {
    const Interrupt::Scope scope(interrupt, [&] { stopped = true; });
  }
  interrupt.raise();
  EXPECT_FALSE(stopped);
}

TEST(JobQueue, WhatComesAfterwardsKeepsItsOrderAndHoldsNobodyUp) {
  struct Passed final : Fence {
    void wait() override {}
  };
  std::vector<int> order;
  std::mutex mutex;
  std::condition_variable wake;
  bool released = false;
  {
    const auto queue = std::make_shared<JobQueue>([] { return std::make_unique<Passed>(); });
    for (int i = 0; i < 3; ++i) {
      queue->enqueue([&, i, own = queue.get()] {
        EXPECT_NE(own->fence(), nullptr);
        own->afterwards([&, i] {
          std::unique_lock lock(mutex);
          wake.wait(lock, [&] { return released; });
          order.push_back(i);
        });
        if (i < 2) return;
        const std::lock_guard lock(mutex);  // all three have run while the first one's end still waits
        released = true;
        wake.notify_all();
      });
    }
    queue->close();
    queue->join();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(JobQueue().fence(), nullptr);
}

}  // namespace
}  // namespace sess::test

#include "addon/job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
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

}  // namespace
}  // namespace sess::test

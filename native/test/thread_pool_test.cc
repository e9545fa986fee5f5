#include "cpu/thread_pool.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "core/error.h"
#include "support.h"

namespace sess::test {
namespace {

using cpu::Scratch;
using cpu::ThreadPool;

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::int64_t tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      pool.parallelFor(tasks, never(), [&](std::int64_t i, Scratch&) { ++runs[static_cast<std::size_t>(i)]; });
      for (const auto& r : runs) ASSERT_EQ(r.load(), 1);
    }
  }
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolLivesOn) {
  ThreadPool pool(3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(pool.parallelFor(50, never(),
                                  [](std::int64_t task, Scratch&) {
                                    if (task == 17) throw std::invalid_argument("17");
                                  }),
                 std::invalid_argument);
  }
  std::atomic<int> runs{0};
  pool.parallelFor(10, never(), [&](std::int64_t, Scratch&) { ++runs; });
  EXPECT_EQ(runs.load(), 10);
}

TEST(ThreadPool, CancelStopsBetweenTasks) {
  ThreadPool pool(2);
  CancelFlag cancel{false};
  std::atomic<int> runs{0};
  try {
    pool.parallelFor(100000, cancel, [&](std::int64_t, Scratch&) {
      if (++runs == 5) cancel = true;
    });
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::aborted);
  }
  EXPECT_LT(runs.load(), 10);
}

TEST(ThreadPool, CallersDoNotWaitForEachOther) {
  // One caller's tasks wait until another caller has come and gone: only possible if each works on its own.
  ThreadPool pool(2);
  std::atomic<bool> second{false};
  std::thread first([&] {
    pool.parallelFor(4, never(), [&](std::int64_t, Scratch&) {
      while (!second) std::this_thread::yield();
    });
  });
  std::atomic<int> runs{0};
  pool.parallelFor(8, never(), [&](std::int64_t, Scratch&) { ++runs; });
  second = true;
  first.join();
  EXPECT_EQ(runs.load(), 8);
}

TEST(ThreadPool, ManyCallersAtOnce) {
  ThreadPool pool(4);
  std::vector<std::thread> callers;
  std::atomic<std::int64_t> total{0};
  for (int t = 0; t < 8; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        pool.parallelFor(i, never(), [&](std::int64_t, Scratch& scratch) {
          float* p = scratch.of<float>(100 + i);
          p[0] = 1.0F;
          total += static_cast<std::int64_t>(p[0]);
        });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 8 * 49 * 50 / 2);
}

}  // namespace
}  // namespace sess::test

#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace sess {

/** Lets another thread end what runs: ops look at the flag, a model run gives a call that stops it. */
class Interrupt {
 public:
  /** Ends what runs, and everything after it. */
  void raise() {
    const std::lock_guard lock(mutex_);
    raised_ = true;
    if (stop_) stop_();
  }
  [[nodiscard]] bool raised() const noexcept { return raised_; }
  [[nodiscard]] const std::atomic<bool>& flag() const noexcept { return raised_; }

  /** While it lives, `raise` calls `stop`; at once where it was raised before. */
  class Scope {
   public:
    Scope(Interrupt& interrupt, std::function<void()> stop) : interrupt_(interrupt) {
      const std::lock_guard lock(interrupt_.mutex_);
      interrupt_.stop_ = std::move(stop);
      if (interrupt_.raised_) interrupt_.stop_();
    }
    ~Scope() {
      const std::lock_guard lock(interrupt_.mutex_);
      interrupt_.stop_ = nullptr;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Interrupt& interrupt_;
  };

 private:
  std::mutex mutex_;
  std::atomic<bool> raised_{false};
  std::function<void()> stop_;
};

}  // namespace sess

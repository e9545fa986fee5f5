#include "addon/job.h"

#include <chrono>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "addon/device.h"

namespace sess::addon {
namespace {

const char* name(Code code) {
  switch (code) {
    case Code::optionInvalid:
      return "OPTION_INVALID";
    case Code::modelUnreadable:
      return "MODEL_UNREADABLE";
    case Code::modelUnsupported:
      return "MODEL_UNSUPPORTED";
    case Code::outOfMemory:
      return "OUT_OF_MEMORY";
    case Code::nativeMissing:
      return "NATIVE_MISSING";
    case Code::deviceUnavailable:
      return "DEVICE_UNAVAILABLE";
    case Code::aborted:
      return "ABORTED";
    case Code::disposed:
      return "DISPOSED";
  }
  return "OPTION_INVALID";
}

/** What a job hands from its queue's thread to the loop. */
struct Job {
  Napi::Promise::Deferred deferred;
  std::function<void(Interrupt&)> work;
  std::function<Napi::Value(Napi::Env, double)> resolve;
  std::optional<Error> error;
  double milliseconds = 0;

  void run(Interrupt& interrupt) {
    timed([&] {
      if (interrupt.raised()) throw Error(Code::aborted, "The run was aborted.");
      work(interrupt);
    });
  }

  /** Null where there is nothing to wait for. */
  std::shared_ptr<Fence> fenceOf(const JobQueue& queue) {
    std::shared_ptr<Fence> fence;
    timed([&] { fence = queue.fence(); });
    return fence;
  }

  /** What was enqueued on a device, also by a run that failed half-way, uses the memory until the fence is passed. */
  void await(Fence& fence) {
    timed([&] { fence.wait(); });
  }

  void settle(Napi::Env env) const {
    const Napi::HandleScope scope(env);
    try {
      if (error) {
        if (error->code() == Code::outOfMemory) Environment::of(env).trimMemory();  // for the try with less
        deferred.Reject(jsError(env, *error).Value());
      } else {
        deferred.Resolve(resolve(env, milliseconds));
      }
    } catch (const Napi::Error& thrown) {
      rejectWith(thrown);
    }
  }

 private:
  /** Adds the time that `call` takes, and keeps the first error. */
  void timed(const std::function<void()>& call) {
    const auto start = std::chrono::steady_clock::now();
    const auto keep = [&](const Error& caught) {
      if (!error) error = caught;
    };
    try {
      call();
    } catch (const Error& caught) {
      keep(caught);
    } catch (const std::exception& caught) {  // bad_alloc, or no thread to be had
      const std::string what = "There is not enough memory for the operation: ";
      keep(Error(Code::outOfMemory, what + caught.what()));
    }
    milliseconds += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  /** The error class threw, or the environment is going and nobody waits any more. */
  void rejectWith(const Napi::Error& thrown) const {
    try {
      deferred.Reject(thrown.Value());
    } catch (const Napi::Error&) {
    }
  }
};

}  // namespace

Napi::Error jsError(Napi::Env env, const Error& error) {
  const Napi::FunctionReference& errorClass = Environment::of(env).error;
  if (errorClass.IsEmpty()) return Napi::Error::New(env, error.what());
  const Napi::Value made =
      errorClass.New({Napi::String::New(env, name(error.code())), Napi::String::New(env, error.what())});
  return Napi::Error(env, made);
}

Environment::Environment(Napi::Env env)
    : toLoop_(Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "sess", 0,
                                            1)) {
  toLoop_.Unref(env);
  // Hooks run last in, first out: this one comes before the function's own, so nobody posts while that is torn down.
  napi_add_env_cleanup_hook(
      env, [](void* self) { static_cast<Environment*>(self)->stop(); }, this);
}

void Environment::stop() {
  {
    const std::lock_guard lock(postMutex_);
    stopping_ = true;
  }
  for (const auto& queue : busy_) {
    queue->cancel();
    queue->close();
  }
  for (const auto& queue : busy_) queue->join();
  busy_.clear();
  unposted_.clear();
}

void Environment::deviceOpened(const std::shared_ptr<DeviceState>& opened) {
  std::erase_if(devices_, [](const auto& known) { return known.expired(); });
  devices_.push_back(opened);
}

void Environment::trimMemory() {
  for (const auto& known : devices_) {
    if (const auto opened = known.lock()) opened->blocks.trim();
  }
}

void Environment::post(std::function<void(Napi::Env)> settle) {
  const std::lock_guard lock(postMutex_);
  if (stopping_) {
    unposted_.push_back(std::move(settle));  // what it holds may only be freed on the environment's thread
    return;
  }
  auto boxed = std::make_unique<std::function<void(Napi::Env)>>(std::move(settle));
  const napi_status status =
      toLoop_.NonBlockingCall(boxed.get(), [](Napi::Env env, Napi::Function, std::function<void(Napi::Env)>* call) {
        const std::unique_ptr<std::function<void(Napi::Env)>> owned(call);
        if (env != nullptr) (*owned)(env);
      });
  if (status == napi_ok) {
    (void)boxed.release();
  } else {
    unposted_.push_back(std::move(*boxed));
  }
}

void Environment::jobStarted(Napi::Env env, const std::shared_ptr<JobQueue>& queue) {
  if (busy_.empty()) toLoop_.Ref(env);
  busy_.insert(queue);
}

void Environment::jobEnded(Napi::Env env, const std::shared_ptr<JobQueue>& queue) {
  const auto known = busy_.find(queue);
  if (known != busy_.end()) busy_.erase(known);
  if (busy_.empty()) toLoop_.Unref(env);
}

Napi::Promise enqueue(Napi::Env env, const std::shared_ptr<JobQueue>& queue, std::function<void(Interrupt&)> work) {
  return enqueue(env, queue, std::move(work),
                 [](Napi::Env e, double ms) -> Napi::Value { return Napi::Number::New(e, ms); });
}

Napi::Promise enqueue(Napi::Env env, const std::shared_ptr<JobQueue>& queue, std::function<void(Interrupt&)> work,
                      std::function<Napi::Value(Napi::Env, double)> resolve) {
  Environment& environment = Environment::of(env);
  const auto job = std::make_shared<Job>(
      Job{Napi::Promise::Deferred::New(env), std::move(work), std::move(resolve), std::nullopt, 0.0});
  const Napi::Promise promise = job->deferred.Promise();
  environment.jobStarted(env, queue);
  // Init-captures: a plain capture of what is const is const too, and moving it on would leave a copy on this thread.
  queue->enqueue([&environment, queue = queue, job = job]() mutable {
    static_assert(!std::is_const_v<std::remove_reference_t<decltype(job)>>);
    JobQueue& order = *queue;
    job->run(order.interrupt());
    std::shared_ptr<Fence> fence = job->fenceOf(order);
    const bool waits = fence != nullptr;
    auto settle = [&environment, job = std::move(job), queue = std::move(queue), fence = std::move(fence)]() mutable {
      if (fence) job->await(*fence);
      // The captures go with the call: the loop's thread destroys the job and the last handle to its queue.
      environment.post([&environment, job = std::move(job), queue = std::move(queue)](Napi::Env e) {
        environment.jobEnded(e, queue);
        job->settle(e);
      });
    };
    if (waits) {
      order.afterwards(std::move(settle));
    } else {
      settle();
    }
  });
  return promise;
}

}  // namespace sess::addon

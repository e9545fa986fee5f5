#include "bench/gpu/chain.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "bench/gpu/cutter.h"
#include "bench/gpu/scores.h"
#include "core/error.h"

namespace sess::bench {
namespace {

std::vector<std::int64_t> imageShape(const Case& what) {
  const auto [height, width] = what.window;
  return what.layout == Layout::nchw ? std::vector<std::int64_t>{3, height, width}
                                     : std::vector<std::int64_t>{height, width, 3};
}

/** What maps are made of: the model's outputs but for the logits, for a batch. */
class MapSource {
 public:
  MapSource(const Case& what, Machine& machine, std::int64_t batch)
      : case_(what), values_(machine, batch * elementsOf(what)), weights_(weightsOf(what, machine, batch)) {}

  void bind(Bindings& outputs, std::int64_t rows) const {
    if (const auto* cam = std::get_if<CamOutputs>(&case_.outputs)) {
      outputs.add(cam->features, values_.data(), rows, {cam->channels, cam->grid.height, cam->grid.width});
      if (cam->weights) outputs.add(*cam->weights, weights_->data(), rows, {cam->channels});
    } else {
      outputs.add(std::get<PixelOutputs>(case_.outputs).gradient, values_.data(), rows, imageShape(case_));
    }
  }

  void reduce(Backend& ops, std::span<const std::int32_t> rows, float* maps, float* peaks) const {
    if (const auto* cam = std::get_if<CamOutputs>(&case_.outputs)) {
      ops.camReduce(
          {values_.data(), weights_->data(), cam->channels, cam->grid, rows, !cam->rectifySamples, maps, peaks}, never);
    } else {
      ops.grey({values_.data(), 3, case_.window, case_.layout, rows, maps, peaks}, never);
    }
  }

 private:
  static std::int64_t elementsOf(const Case& what) {
    const auto* cam = std::get_if<CamOutputs>(&what.outputs);
    return cam == nullptr ? what.imageElements() : cam->channels * cam->grid.height * cam->grid.width;
  }

  static std::optional<Array<float>> weightsOf(const Case& what, Machine& machine, std::int64_t batch) {
    const auto* cam = std::get_if<CamOutputs>(&what.outputs);
    if (cam == nullptr) return std::nullopt;
    std::optional<Array<float>> weights(std::in_place, machine, batch * cam->channels);
    if (!cam->weights) weights->write(std::vector<float>(static_cast<std::size_t>(batch * cam->channels), 1.0F));
    return weights;
  }

  const Case& case_;
  Array<float> values_;
  std::optional<Array<float>> weights_;
};

/** One explanation: what it holds on the machine, and its steps. */
class Run {
 public:
  Run(const Case& what, Machine& machine, Model& model, std::int64_t batch)
      : case_(what),
        machine_(machine),
        model_(model),
        batch_(batch),
        baseComesLast_(what.target >= 0 && what.base < 0),
        cutter_(what, machine),
        source_(what, machine, batch),
        input_(machine, batch * what.imageElements()),
        logits_(machine, batch * what.classes),
        classes_(machine, batch),
        scores_(machine, 2 * (what.windows + 1)),
        maps_(machine, what.windows * what.grid().height * what.grid().width),
        peaks_(machine, what.windows),
        fused_(machine, what.photoPixels()) {}

  Explained explain() {
    const std::int32_t target = baseComesLast_ ? case_.target : baseFirst();
    setTarget(target, batch_);
    cutter_.all([this] { return room(); },
                [&](std::span<const Window> some) {
                  for (const Window& window : some) rows_.push_back(window.index);
                  if (static_cast<std::int64_t>(rows_.size()) == batch_) runBatch(target);
                });
    if (baseComesLast_) cutBase();
    const auto last = static_cast<std::int64_t>(rows_.size());
    if (last > 0) runBatch(target);
    machine_.wait();
    if (baseComesLast_)
      (void)logits_.read(case_.classes, (last - 1) * case_.classes);  // the library tells the base view's
    fuse();
    return {target, result()};
  }

 private:
  /** Where the next windows go, and how many of them. */
  [[nodiscard]] std::pair<float*, std::int64_t> room() const {
    const auto filled = static_cast<std::int64_t>(rows_.size());
    return {input_.data() + filled * case_.imageElements(), batch_ - filled};
  }

  /** The base view by itself, as the first forward pass: it says the target where none is given. */
  std::int32_t baseFirst() {
    setTarget(case_.target, 1);
    cutBase();
    forward(1);
    machine_.wait();
    const std::vector<float> logits = logits_.read(case_.classes);
    const std::int32_t target = case_.target < 0 ? argmax(logits) : case_.target;
    score(target);
    if (case_.base >= 0) source_.reduce(machine_.ops(), rows_, maps_.data(), peaks_.data());
    rows_.clear();
    return target;
  }

  /** Puts the base view into the model's input, behind what is there. */
  void cutBase() {
    cutter_.base(room().first);
    rows_.push_back(case_.base < 0 ? case_.windows : case_.base);
  }

  static std::int32_t argmax(const std::vector<float>& logits) {
    if (!std::all_of(logits.begin(), logits.end(), [](float value) { return std::isfinite(value); })) {
      throw Error(Code::modelUnsupported, "the logits of the base view are not finite");
    }
    return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }

  void setTarget(std::int32_t target, std::int64_t rows) {
    classes_.write(std::vector<std::int64_t>(static_cast<std::size_t>(rows), target));
  }

  void runBatch(std::int32_t target) {
    forward(static_cast<std::int64_t>(rows_.size()));
    score(target);
    if (rows_.back() == case_.windows) rows_.pop_back();  // the base view, which has scores and no map
    if (!rows_.empty()) source_.reduce(machine_.ops(), rows_, maps_.data(), peaks_.data());
    rows_.clear();
  }

  void forward(std::int64_t rows) {
    Bindings inputs, outputs;
    inputs.add(case_.image, input_.data(), rows, imageShape(case_));
    inputs.add(case_.seed, classes_.data(), rows);
    outputs.add(case_.logits, logits_.data(), rows, {case_.classes});
    source_.bind(outputs, rows);
    model_.run(inputs, outputs);
  }

  void score(std::int32_t target) {
    machine_.ops().score({logits_.data(), case_.classes, std::span<const std::int32_t>(&target, 1), case_.activation,
                          rows_, scores_.data()},
                         never);
  }

  /** Weights of the windows from their scores, and the map that they make. */
  void fuse() {
    const std::vector<double> scores = scores_.read(2 * case_.windows);
    std::vector<double> logProbability;
    for (std::size_t i = 1; i < scores.size(); i += 2) logProbability.push_back(scores[i]);
    const Weighed weighed = weigh(logProbability, peaks_.read(case_.windows), case_.preFilter);
    std::vector<PlacedWindow> all(static_cast<std::size_t>(case_.windows));
    for (const Cut& cut : case_.cuts) {
      for (const auto& [index, y, x] : cut.windows) all[static_cast<std::size_t>(index)] = {index, cut.level, y, x};
    }
    std::vector<PlacedWindow> kept;
    for (const std::int32_t index : weighed.kept) kept.push_back(all[static_cast<std::size_t>(index)]);
    const auto* cam = std::get_if<CamOutputs>(&case_.outputs);
    const bool rectifySamples = cam != nullptr && cam->rectifySamples;
    machine_.ops().fuse({maps_.data(), case_.grid(), case_.window, case_.levels, kept, weighed.weights, case_.fusion,
                         case_.theta, rectifySamples, case_.photoSize, fused_.data()},
                        never);
  }

  std::vector<float> result() {
    std::vector<float> map(static_cast<std::size_t>(case_.photoPixels()));
    if (!case_.smoothing) {
      bringDown(fused_, map);
    } else {
      const Array<float> smoothed(machine_, case_.photoPixels());
      const auto [taps, sigma] = *case_.smoothing;
      machine_.ops().smooth({fused_.data(), case_.photoSize, taps, sigma, smoothed.data()}, never);
      bringDown(smoothed, map);
    }
    return map;
  }

  void bringDown(const Array<float>& from, std::vector<float>& to) {
    machine_.ops().copy({from.data(), to.data(), static_cast<std::int64_t>(from.bytes()), Route::toProcessor}, never);
    machine_.wait();
  }

  const Case& case_;
  Machine& machine_;
  Model& model_;
  std::int64_t batch_;
  bool baseComesLast_;  // as in src/sess/pipeline.ts
  Cutter cutter_;
  MapSource source_;
  Array<float> input_, logits_;
  Array<std::int64_t> classes_;
  Array<double> scores_;
  Array<float> maps_, peaks_, fused_;
  std::vector<std::int32_t> rows_;  // the windows in the model's input
};

}  // namespace

Explained Chain::explain() { return Run(case_, machine_, model_, batch_).explain(); }

}  // namespace sess::bench

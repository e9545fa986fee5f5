#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/ops.h"

namespace sess::test {

/**
 * Runs a backend's ops on memory of its device: inputs are copied there, each into memory of exactly its size, and
 * outputs there and back, between guards that no op may touch. `Memory`: (bytes), get, write, read.
 */
template <class Memory>
class DeviceCopies final : public Backend {
 public:
  explicit DeviceCopies(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}

  void copy(const CopyArgs& a, const CancelFlag& c) override {
    const auto* const from = static_cast<const unsigned char*>(a.from);
    auto* const to = static_cast<unsigned char*>(a.to);
    if (a.route == Route::toProcessor) {
      const In there(from, a.bytes);
      backend_->copy({there.data(), to, a.bytes, a.route}, c);
      return;
    }
    Out out(to, a.bytes);
    if (a.route == Route::toDevice) {
      backend_->copy({from, out.data(), a.bytes, a.route}, c);
    } else {
      const In there(from, a.bytes);
      backend_->copy({there.data(), out.data(), a.bytes, a.route}, c);
    }
    back(out);
  }
  void flatten(const FlattenArgs& a, const CancelFlag& c) override {
    const In rgba(a.rgba, 4 * a.pixels);
    Out rgb(a.rgb, 3 * a.pixels);
    backend_->flatten({rgba.data(), rgb.data(), a.pixels}, c);
    back(rgb);
  }
  void pyramid(const PyramidArgs& a, const CancelFlag& c) override {
    const In photo(a.photo, 3 * area(a.photoSize));
    Out out(a.out, 3 * a.band.height * a.band.width);
    PyramidArgs there = a;
    there.photo = photo.data();
    there.out = out.data();
    backend_->pyramid(there, c);
    back(out);
  }
  void patches(const PatchesArgs& a, const CancelFlag& c) override {
    const In photo(a.photo.photo, 3 * area(a.photo.photoSize));
    Out out(a.out, count(a.origins) / 2 * 3 * area(a.window));
    PatchesArgs there = a;
    there.photo.photo = photo.data();
    there.out = out.data();
    backend_->patches(there, c);
    back(out);
  }
  void gather(const GatherArgs& a, const CancelFlag& c) override {
    const In band(a.band, 3 * area(a.bandSize));
    Out out(a.out, count(a.origins) / 2 * 3 * area(a.window));
    GatherArgs there = a;
    there.band = band.data();
    there.out = out.data();
    backend_->gather(there, c);
    back(out);
  }
  void score(const ScoreArgs& a, const CancelFlag& c) override {
    const In logits(a.logits, count(a.rows) * a.classes);
    Out scores(a.scores, top(a.rows) * count(a.targets) * 2);
    ScoreArgs there = a;
    there.logits = logits.data();
    there.scores = scores.data();
    backend_->score(there, c);
    back(scores);
  }
  void camReduce(const CamReduceArgs& a, const CancelFlag& c) override {
    const In activations(a.activations, count(a.rows) * a.channels * area(a.grid));
    const In weights(a.weights, count(a.rows) * a.channels);
    Out maps(a.maps, top(a.rows) * area(a.grid)), peaks(a.peaks, top(a.rows));
    CamReduceArgs there = a;
    there.activations = activations.data();
    there.weights = weights.data();
    there.maps = maps.data();
    there.peaks = peaks.data();
    backend_->camReduce(there, c);
    back(maps);
    back(peaks);
  }
  void fuse(const FuseArgs& a, const CancelFlag& c) override {
    const In maps(a.maps, rowsOf(a.windows) * area(a.grid));
    Out out(a.out, area(a.photoSize));
    FuseArgs there = a;
    there.maps = maps.data();
    there.out = out.data();
    backend_->fuse(there, c);
    back(out);
  }
  void fold(const FoldArgs& a, const CancelFlag& c) override {
    const In maps(a.some.maps, rowsOf(a.some.windows) * area(a.some.grid));
    Out sums(a.sums, 2 * area(a.some.photoSize));
    FoldArgs there = a;
    there.some.maps = maps.data();
    there.sums = sums.data();
    backend_->fold(there, c);
    back(sums);
  }
  void finish(const FinishArgs& a, const CancelFlag& c) override {
    const In sums(a.sums, 2 * a.pixels);
    Out out(a.out, a.pixels);
    backend_->finish({sums.data(), a.pixels, a.mode, a.windows, out.data()}, c);
    back(out);
  }
  void upsample(const UpsampleArgs& a, const CancelFlag& c) override {
    const In maps(a.maps, top(a.rows) * area(a.grid));
    Out out(a.out, count(a.rows) * area(a.window));
    backend_->upsample({maps.data(), a.grid, a.rows, a.window, a.rectify, out.data()}, c);
    back(out);
  }
  void smooth(const SmoothArgs& a, const CancelFlag& c) override {
    const In map(a.map, area(a.size));
    Out out(a.out, area(a.size));
    backend_->smooth({map.data(), a.size, a.taps, a.sigma, out.data()}, c);
    back(out);
  }
  void grey(const GreyArgs& a, const CancelFlag& c) override {
    const In gradients(a.gradients, count(a.rows) * a.channels * area(a.size));
    Out maps(a.maps, top(a.rows) * area(a.size)), peaks(a.peaks, top(a.rows));
    backend_->grey({gradients.data(), a.channels, a.size, a.layout, a.rows, maps.data(), peaks.data()}, c);
    back(maps);
    back(peaks);
  }
  void noise(const NoiseArgs& a, const CancelFlag& c) override {
    const In input(a.input, count(a.windows) * a.elements);
    Out out(a.out, count(a.windows) * a.elements);
    backend_->noise({input.data(), a.elements, a.windows, a.copy, a.seed, a.strength, out.data()}, c);
    back(out);
  }
  void accumulate(const AccumulateArgs& a, const CancelFlag& c) override {
    const In from(a.from, a.elements);
    Out out(a.out, a.elements);
    backend_->accumulate({from.data(), a.elements, a.factor, a.mode, out.data()}, c);
    back(out);
  }
  void channelRanges(const ChannelRangesArgs& a, const CancelFlag& c) override {
    const In features(a.features, a.channels * a.samples);
    Out ranges(a.ranges, 3 * a.channels);
    backend_->channelRanges({features.data(), a.channels, a.samples, ranges.data()}, c);
    back(ranges);
  }
  void groupReduce(const GroupReduceArgs& a, const CancelFlag& c) override {
    const In activations(a.activations, a.rows * a.channels * a.samples);
    const In weights(a.weights, a.rows * a.channels);
    Out out(a.out, a.rows * a.groups * a.samples);
    GroupReduceArgs there = a;
    there.activations = activations.data();
    there.weights = weights.data();
    there.out = out.data();
    backend_->groupReduce(there, c);
    back(out);
  }
  void maskBatch(const MaskBatchArgs& a, const CancelFlag& c) override {
    const std::int64_t rows = rowsOf(a.copies), each = 3 * area(a.images.size);
    const In images(a.images.data, rows * each);
    const In background(a.background, a.background == nullptr ? 0 : rows * each);
    const In features(a.features, rows * a.channels * area(a.grid));
    Out out(a.out, count(a.copies) * each);
    MaskBatchArgs there = a;
    there.images.data = images.data();
    if (a.background != nullptr) there.background = background.data();
    there.features = features.data();
    there.out = out.data();
    backend_->maskBatch(there, c);
    back(out);
  }
  void blur(const BlurArgs& a, const CancelFlag& c) override {
    const In images(a.images.data, a.rows * 3 * area(a.images.size));
    Out out(a.out, a.rows * 3 * area(a.images.size));
    BlurArgs there = a;
    there.images.data = images.data();
    there.out = out.data();
    backend_->blur(there, c);
    back(out);
  }
  void ablate(const AblateArgs& a, const CancelFlag& c) override {
    const std::int64_t each = a.outer * a.channels * a.inner;
    const In activations(a.activations, rowsOf(a.copies) * each);
    Out out(a.out, count(a.copies) * each);
    backend_->ablate({activations.data(), a.outer, a.channels, a.inner, a.copies, out.data()}, c);
    back(out);
  }
  void riseMask(const RiseMaskArgs& a, const CancelFlag& c) override {
    const In images(a.images.data, rowsOf(a.copies) * 3 * area(a.images.size));
    Out out(a.out, count(a.copies) * 3 * area(a.images.size));
    RiseMaskArgs there = a;
    there.images.data = images.data();
    there.out = out.data();
    backend_->riseMask(there, c);
    back(out);
  }
  void riseReduce(const RiseReduceArgs& a, const CancelFlag& c) override {
    const In weights(a.weights, count(a.rows) * a.count);
    Out maps(a.maps, top(a.rows) * area(a.size)), peaks(a.peaks, top(a.rows));
    RiseReduceArgs there = a;
    there.weights = weights.data();
    there.maps = maps.data();
    there.peaks = peaks.data();
    backend_->riseReduce(there, c);
    back(maps);
    back(peaks);
  }
  void occlude(const OccludeArgs& a, const CancelFlag& c) override {
    const In images(a.images.data, rowsOf(a.squares) * 3 * area(a.images.size));
    Out out(a.out, count(a.squares) * 3 * area(a.images.size));
    OccludeArgs there = a;
    there.images.data = images.data();
    there.out = out.data();
    backend_->occlude(there, c);
    back(out);
  }
  void occlusionReduce(const OcclusionReduceArgs& a, const CancelFlag& c) override {
    const In weights(a.weights, count(a.rows) * count(a.squares));
    Out maps(a.maps, top(a.rows) * area(a.size)), peaks(a.peaks, top(a.rows));
    OcclusionReduceArgs there = a;
    there.weights = weights.data();
    there.maps = maps.data();
    there.peaks = peaks.data();
    backend_->occlusionReduce(there, c);
    back(maps);
    back(peaks);
  }
  void overlay(const OverlayArgs& a, const CancelFlag& c) override {
    const In photo(a.photo, 3 * a.pixels);
    const In map(a.map, a.pixels);
    Out out(a.out, 3 * a.pixels);
    backend_->overlay({photo.data(), map.data(), a.pixels, a.colors, a.low, a.high, a.alpha, a.opacity, out.data()}, c);
    back(out);
  }

 private:
  template <class T>
  class In {
   public:
    In(const T* from, std::int64_t n) : memory_(bytesOf(n)) { memory_.write(from, bytesOf(n)); }
    [[nodiscard]] const T* data() const { return static_cast<const T*>(memory_.get()); }

   private:
    static std::size_t bytesOf(std::int64_t n) { return static_cast<std::size_t>(n) * sizeof(T); }
    Memory memory_;
  };

  template <class T>
  class Out {
   public:
    Out(T* to, std::int64_t n)
        : to_(to), all_(static_cast<std::size_t>(n) * sizeof(T) + 2 * kGuard, kPattern), memory_(all_.size()) {
      std::memcpy(all_.data() + kGuard, to, all_.size() - 2 * kGuard);
      memory_.write(all_.data(), all_.size());
    }
    T* data() { return reinterpret_cast<T*>(static_cast<unsigned char*>(memory_.get()) + kGuard); }
    void copyBack() {
      memory_.read(all_.data(), all_.size());
      const auto pattern = [](unsigned char byte) { return byte == kPattern; };
      if (!std::all_of(all_.begin(), all_.begin() + kGuard, pattern) ||
          !std::all_of(all_.end() - kGuard, all_.end(), pattern)) {
        throw std::logic_error("an op wrote outside its output on the device");
      }
      std::memcpy(to_, all_.data() + kGuard, all_.size() - 2 * kGuard);
    }

   private:
    static constexpr std::ptrdiff_t kGuard = 256;
    static constexpr unsigned char kPattern = 0xA5;
    T* to_;
    std::vector<unsigned char> all_;
    Memory memory_;
  };

  template <class T>
  void back(Out<T>& out) {
    if (const auto fence = backend_->fence()) fence->wait();
    out.copyBack();
  }

  static std::int64_t area(Size size) { return size.height * size.width; }
  template <class T>
  static std::int64_t count(std::span<const T> values) {
    return static_cast<std::int64_t>(values.size());
  }
  static std::int64_t top(std::span<const std::int32_t> rows) {
    return rows.empty() ? 0 : *std::max_element(rows.begin(), rows.end()) + 1;
  }
  template <class T>
  static std::int64_t rowsOf(std::span<const T> copies) {
    std::int64_t rows = 0;
    for (const T& copy : copies) rows = std::max<std::int64_t>(rows, copy.row + 1);
    return rows;
  }
  std::unique_ptr<Backend> backend_;
};

}  // namespace sess::test

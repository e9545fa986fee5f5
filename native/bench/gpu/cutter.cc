#include "bench/gpu/cutter.h"

namespace sess::bench {
namespace {

/** Pixels of the largest band, or of the base view. */
std::int64_t bandPixels(const Case& what) {
  std::int64_t most = what.window.height * what.window.width;
  for (const Cut& cut : what.cuts) {
    if (cut.band) most = std::max(most, cut.band->height * cut.band->width);
  }
  return most;
}

}  // namespace

Cutter::Cutter(const Case& what, Machine& machine)
    : case_(what), machine_(machine), photo_(machine, 3 * what.photoPixels()), band_(machine, 3 * bandPixels(what)) {
  machine.ops().copy({what.photo.data(), photo_.data(), static_cast<std::int64_t>(photo_.bytes()), Route::toDevice},
                     never);
}

void Cutter::base(float* to) {
  const Size window = case_.window;
  machine_.ops().pyramid(resize(window, {0, 0, window.height, window.width}, Filter::antialias), never);
  gather(window, std::vector<std::int32_t>{0, 0}, to);
}

void Cutter::begin(const Cut& cut) {
  if (!cut.band) return;
  const Size level = case_.levels[static_cast<std::size_t>(cut.level)];
  machine_.ops().pyramid(resize(level, *cut.band, case_.filter), never);
}

void Cutter::put(const Cut& cut, std::span<const Window> windows, float* to) {
  const Rect band = cut.band.value_or(Rect{0, 0, 0, 0});
  std::vector<std::int32_t> origins;
  for (const auto& [index, y, x] : windows) {
    origins.insert(origins.end(), {y - static_cast<std::int32_t>(band.y), x - static_cast<std::int32_t>(band.x)});
  }
  if (cut.band) {
    gather({band.height, band.width}, origins, to);
  } else {
    const Size level = case_.levels[static_cast<std::size_t>(cut.level)];
    machine_.ops().patches({resize(level, {}, case_.filter), case_.window, origins, to}, never);
  }
}

std::vector<Window> Cutter::asked(const Cut& cut) const {
  std::vector<Window> windows;
  std::copy_if(cut.windows.begin(), cut.windows.end(), std::back_inserter(windows),
               [&](const Window& window) { return window.index != case_.base; });
  return windows;
}

PyramidArgs Cutter::resize(Size level, Rect band, Filter filter) const {
  return {photo_.data(), case_.photoSize, level, band, filter, case_.channels, case_.scale, case_.bias, band_.data()};
}

void Cutter::gather(Size band, std::span<const std::int32_t> origins, float* to) {
  machine_.ops().gather({band_.data(), band, case_.window, origins, case_.layout, to}, never);
}

}  // namespace sess::bench

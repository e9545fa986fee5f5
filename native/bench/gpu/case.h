#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bench/gpu/difference.h"
#include "core/ops.h"

namespace sess::bench {

/** A window of the plan: its place in the plan's order, and its origin in the level's pixels. */
struct Window {
  std::int32_t index, y, x;
};

/** Windows of one level, and how they come out of the photo: one by one, or out of a band of the level. */
struct Cut {
  std::int32_t level;
  std::optional<Rect> band;  // none: one by one
  std::vector<Window> windows;
};

/** Maps are sums over the channels of a layer. */
struct CamOutputs {
  std::string features;  // rows x channels x grid
  std::int64_t channels;
  Size grid;
  std::optional<std::string> weights;  // rows x channels; none: every channel counts once
  bool rectifySamples;                 // at the window's pixels, not in the grid's cells
};

/** Maps are greys of a tensor of the image's shape. */
struct PixelOutputs {
  std::string gradient;
};

struct Smoothing {
  int taps;
  double sigma;
};

/** One explanation as bench/gpu/cases.mjs wrote it: what to run, and the map that the library made of it. */
struct Case {
  std::string name;
  std::string graph, bare;  // paths of the models with and without what the method adds
  bool isHalf;              // the graphs compute in float16
  Size photoSize;
  std::vector<std::uint8_t> photo;  // photoSize x 3
  std::vector<float> map;           // photoSize
  std::int32_t explained;           // the class of that map
  Tolerance tolerance;
  std::optional<double> bound;  // of an explanation's time over the bare model's

  std::string image;  // the model's input
  Layout layout;
  std::string logits;
  std::int64_t classes;
  Activation activation;
  std::string seed;     // the input that names the class
  std::int32_t target;  // -1: the base view's own
  std::variant<CamOutputs, PixelOutputs> outputs;

  std::array<int, 3> channels;
  std::array<float, 3> scale, bias;
  Filter filter;
  Size window;
  std::vector<Size> levels;
  std::int32_t base;  // the window that is the base view, or -1
  std::vector<Cut> cuts;
  std::int32_t windows;                        // of the plan, over all cuts
  std::int64_t batchOnProcessor, batchOnCuda;  // what the library would take

  Fusion fusion;
  float theta;
  double preFilter;
  std::optional<Smoothing> smoothing;

  /** Values of one window in the model's input. */
  [[nodiscard]] std::int64_t imageElements() const { return 3 * window.height * window.width; }
  [[nodiscard]] std::int64_t photoPixels() const { return photoSize.height * photoSize.width; }
  /** Of a window's map. */
  [[nodiscard]] Size grid() const {
    const auto* cam = std::get_if<CamOutputs>(&outputs);
    return cam == nullptr ? window : cam->grid;
  }
};

/** Reads FILE.case and the photo and map beside it. Throws Code::optionInvalid that names the line. */
Case readCase(const std::string& path);

}  // namespace sess::bench

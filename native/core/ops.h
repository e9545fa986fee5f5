#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

/**
 * What every op takes: plain views, shapes checked. `binding.d.ts` says what each op means; a backend (native/cpu)
 * implements them. Sizes are in pixels or elements, memory is row-major.
 */
namespace sess {

struct Size {
  std::int64_t height, width;
};

struct Rect {
  std::int64_t y, x, height, width;
};

enum class Filter { antialias, bilinear };
enum class Layout { nchw, nhwc };
enum class Activation { softmax, sigmoid };
enum class Fusion { mean, max, average };
enum class Opacity { constant, byValue };
enum class Accumulation { set, add };

/** Where a copy's ends lie, of which at least one is the device's memory. On the processor all is the same. */
enum class Route { within, toDevice, toProcessor };

struct CopyArgs {
  const void* from;
  void* to;
  std::int64_t bytes;
  Route route;
};

struct FlattenArgs {
  const std::uint8_t* rgba;  // pixels x 4
  std::uint8_t* rgb;         // pixels x 3
  std::int64_t pixels;
};

struct PyramidArgs {
  const std::uint8_t* photo;  // photoSize x 3
  Size photoSize;
  Size level;
  Rect band;
  Filter filter;
  std::array<int, 3> channels;  // the photo's channel behind each output channel
  std::array<float, 3> scale, bias;
  float* out;  // 3 x band.height x band.width
};

/** Windows of one level straight from the photo: what pyramid and gather give, without the level between. */
struct PatchesArgs {
  PyramidArgs photo;  // its band and out are not read
  Size window;
  std::span<const std::int32_t> origins;  // y, x of each window in level pixels
  float* out;                             // origins.size() / 2 windows, 3 x window
};

struct GatherArgs {
  const float* band;  // 3 x bandSize
  Size bandSize;
  Size window;
  std::span<const std::int32_t> origins;  // y, x of each window in band pixels
  Layout layout;
  float* out;  // origins.size() / 2 windows, 3 x h x w or h x w x 3 each
};

struct ScoreArgs {
  const float* logits;  // rows.size() x classes
  std::int64_t classes;
  std::span<const std::int32_t> targets;
  Activation activation;
  std::span<const std::int32_t> rows;
  double* scores;  // [rows[i]] x targets x (logit, log p)
};

struct CamReduceArgs {
  const float* activations;  // rows.size() x channels x grid
  const float* weights;      // rows.size() x channels
  std::int64_t channels;
  Size grid;
  std::span<const std::int32_t> rows;
  bool rectify;
  float* maps;   // [rows[i]] x grid
  float* peaks;  // [rows[i]]
};

/** A window's place: row of its map, level, and origin in that level's pixels. */
struct PlacedWindow {
  std::int32_t row, level, y, x;
};

struct FuseArgs {
  const float* maps;  // rows x grid
  Size grid;
  Size window;
  std::span<const Size> levels;
  std::span<const PlacedWindow> windows;  // in window order: sums run in it
  std::span<const float> weights;         // one per window
  Fusion mode;
  float theta;
  bool rectify;  // each map, once upsampled
  Size photoSize;
  float* out;  // photoSize
};

/** Some of the windows, into running sums: plane 0 the sum or maximum, plane 1 (mean only) the count. */
struct FoldArgs {
  FuseArgs some;   // its out is not read
  double rescale;  // of plane 0 before; 0: the sums begin here and their memory is not read
  float* sums;     // 2 x photoSize
};

struct FinishArgs {
  const float* sums;  // 2 x pixels
  std::int64_t pixels;
  Fusion mode;
  std::int64_t windows;  // what `average` divides by
  float* out;            // pixels
};

struct UpsampleArgs {
  const float* maps;  // rows x grid
  Size grid;
  std::span<const std::int32_t> rows;
  Size window;
  bool rectify;  // each map, once upsampled
  float* out;    // rows.size() x window
};

struct SmoothArgs {
  const float* map;  // size
  Size size;
  int taps;  // odd
  double sigma;
  float* out;  // size
};

struct GreyArgs {
  const float* gradients;  // rows.size() x channels x size, or rows.size() x size x channels
  std::int64_t channels;
  Size size;
  Layout layout;
  std::span<const std::int32_t> rows;
  float* maps;   // [rows[i]] x size
  float* peaks;  // [rows[i]]
};

struct NoiseArgs {
  const float* input;                     // windows.size() x elements
  std::int64_t elements;                  // of an image
  std::span<const std::int32_t> windows;  // each image's place in the plan
  std::uint32_t copy;
  std::uint64_t seed;
  double strength;  // standard deviation over the image's range
  float* out;       // windows.size() x elements
};

struct AccumulateArgs {
  const float* from;
  std::int64_t elements;
  float factor;
  Accumulation mode;
  float* out;  // elements
};

struct ChannelRangesArgs {
  const float* features;  // channels x samples
  std::int64_t channels;  // of all rows
  std::int64_t samples;
  float* ranges;  // channels x (smallest, largest, variance)
};

struct GroupReduceArgs {
  const float* activations;  // rows x channels x samples
  const float* weights;      // rows x channels
  std::int64_t rows, channels, samples, groups;
  std::span<const std::int32_t> assignment;  // rows x channels: the group, or -1
  float* out;                                // rows x groups x samples
};

/** Rows of 3 channels. */
struct Images {
  const float* data;
  Size size;
  Layout layout;
};

/** A copy to make: of which row, and what is done to it. */
struct Copy {
  std::int32_t row, what;
};

struct MaskBatchArgs {
  Images images;
  const float* background;  // as images; null: zeros
  const float* features;    // images x channels x grid
  std::int64_t channels;
  Size grid;
  std::span<const Copy> copies;  // what: a channel
  float* out;                    // one image for each copy
};

struct BlurArgs {
  Images images;
  std::int64_t rows;
  int taps;  // odd
  double sigma;
  float* out;  // rows images
};

/** Rows of outer x channels x inner elements. */
struct AblateArgs {
  const float* activations;
  std::int64_t outer, channels, inner;
  std::span<const Copy> copies;  // what: a channel
  float* out;                    // one row for each copy
};

/** The masks of RISE: see rise.h. */
struct RiseMasks {
  std::uint64_t seed;
  std::int64_t grid;  // cells that cover an image, along each axis
  double keep;        // (0, 1]
};

struct RiseMaskArgs {
  Images images;
  RiseMasks masks;
  std::span<const Copy> copies;  // what: the mask's number
  float* out;                    // one image for each copy
};

struct RiseReduceArgs {
  const float* weights;  // rows.size() x count
  std::int64_t count;    // of masks, numbered from 0
  RiseMasks masks;
  std::span<const std::int32_t> rows;
  Size size;
  float* maps;   // [rows[i]] x size
  float* peaks;  // [rows[i]]
};

/** A rectangle's first pixel, in an image. */
struct PlacedSquare {
  std::int32_t row, y, x;
};

struct OccludeArgs {
  Images images;
  Size square;
  std::span<const PlacedSquare> squares;
  float* out;  // one image for each square
};

struct Point {
  std::int32_t y, x;
};

struct OcclusionReduceArgs {
  const float* weights;  // rows.size() x squares.size()
  Size square;
  std::span<const Point> squares;
  std::span<const std::int32_t> rows;
  Size size;
  float* maps;   // [rows[i]] x size
  float* peaks;  // [rows[i]]
};

struct OverlayArgs {
  const std::uint8_t* photo;  // pixels x 3
  const float* map;           // pixels
  std::int64_t pixels;
  std::span<const std::uint8_t, 768> colors;
  float low, high, alpha;
  Opacity opacity;
  std::uint8_t* out;  // pixels x 3
};

/** Set from another thread to stop an op between two of its tasks; the op then throws Code::aborted. */
using CancelFlag = std::atomic<bool>;

/** A place in a device's own queue. */
class Fence {
 public:
  virtual ~Fence() = default;
  /** Waits until all that was enqueued before it has run. Throws what went wrong there. */
  virtual void wait() = 0;
};

/** The ops of one device. Calls block until done (CPU) or enqueued (a device with its own queue). */
class Backend {
 public:
  virtual ~Backend() = default;
  /** A fence behind what was enqueued so far; null where calls block until done. */
  virtual std::unique_ptr<Fence> fence() { return nullptr; }
  virtual void copy(const CopyArgs& args, const CancelFlag& cancel) = 0;
  virtual void flatten(const FlattenArgs& args, const CancelFlag& cancel) = 0;
  virtual void pyramid(const PyramidArgs& args, const CancelFlag& cancel) = 0;
  virtual void patches(const PatchesArgs& args, const CancelFlag& cancel) = 0;
  virtual void gather(const GatherArgs& args, const CancelFlag& cancel) = 0;
  virtual void score(const ScoreArgs& args, const CancelFlag& cancel) = 0;
  virtual void camReduce(const CamReduceArgs& args, const CancelFlag& cancel) = 0;
  virtual void fuse(const FuseArgs& args, const CancelFlag& cancel) = 0;
  virtual void fold(const FoldArgs& args, const CancelFlag& cancel) = 0;
  virtual void finish(const FinishArgs& args, const CancelFlag& cancel) = 0;
  virtual void upsample(const UpsampleArgs& args, const CancelFlag& cancel) = 0;
  virtual void smooth(const SmoothArgs& args, const CancelFlag& cancel) = 0;
  virtual void grey(const GreyArgs& args, const CancelFlag& cancel) = 0;
  virtual void noise(const NoiseArgs& args, const CancelFlag& cancel) = 0;
  virtual void accumulate(const AccumulateArgs& args, const CancelFlag& cancel) = 0;
  virtual void channelRanges(const ChannelRangesArgs& args, const CancelFlag& cancel) = 0;
  virtual void maskBatch(const MaskBatchArgs& args, const CancelFlag& cancel) = 0;
  virtual void groupReduce(const GroupReduceArgs& args, const CancelFlag& cancel) = 0;
  virtual void blur(const BlurArgs& args, const CancelFlag& cancel) = 0;
  virtual void ablate(const AblateArgs& args, const CancelFlag& cancel) = 0;
  virtual void riseMask(const RiseMaskArgs& args, const CancelFlag& cancel) = 0;
  virtual void riseReduce(const RiseReduceArgs& args, const CancelFlag& cancel) = 0;
  virtual void occlude(const OccludeArgs& args, const CancelFlag& cancel) = 0;
  virtual void occlusionReduce(const OcclusionReduceArgs& args, const CancelFlag& cancel) = 0;
  virtual void overlay(const OverlayArgs& args, const CancelFlag& cancel) = 0;
};

}  // namespace sess

#pragma once

#include <utility>

#include "cuda/ablate.h"
#include "cuda/accumulate.h"
#include "cuda/blur.h"
#include "cuda/cam_reduce.h"
#include "cuda/channel_ranges.h"
#include "cuda/copy.h"
#include "cuda/flatten.h"
#include "cuda/fuse.h"
#include "cuda/gather.h"
#include "cuda/grey.h"
#include "cuda/group_reduce.h"
#include "cuda/mask_batch.h"
#include "cuda/noise.h"
#include "cuda/occlude.h"
#include "cuda/occlusion_reduce.h"
#include "cuda/overlay.h"
#include "cuda/patches.h"
#include "cuda/pyramid.h"
#include "cuda/rise_mask.h"
#include "cuda/rise_reduce.h"
#include "cuda/score.h"
#include "cuda/smooth.h"
#include "cuda/upsample.h"

namespace sess::cuda {

/** The ops over a launcher, each in the header of its name. `Base` is a Backend. */
template <class Launcher, class Base = Backend>
class LaunchedBackend : public Base {
 public:
  template <class... Arguments>
  explicit LaunchedBackend(Arguments&&... arguments) : launch_(std::forward<Arguments>(arguments)...) {}

  void copy(const CopyArgs& a, const CancelFlag& c) override { cuda::copy(begin(c), a); }
  void flatten(const FlattenArgs& a, const CancelFlag& c) override { cuda::flatten(begin(c), a); }
  void pyramid(const PyramidArgs& a, const CancelFlag& c) override { cuda::pyramid(begin(c), a); }
  void patches(const PatchesArgs& a, const CancelFlag& c) override { cuda::patches(begin(c), a); }
  void gather(const GatherArgs& a, const CancelFlag& c) override { cuda::gather(begin(c), a); }
  void score(const ScoreArgs& a, const CancelFlag& c) override { cuda::score(begin(c), a); }
  void camReduce(const CamReduceArgs& a, const CancelFlag& c) override { cuda::camReduce(begin(c), a); }
  void fuse(const FuseArgs& a, const CancelFlag& c) override { cuda::fuse(begin(c), a); }
  void fold(const FoldArgs& a, const CancelFlag& c) override { cuda::fold(begin(c), a); }
  void finish(const FinishArgs& a, const CancelFlag& c) override { cuda::finish(begin(c), a); }
  void upsample(const UpsampleArgs& a, const CancelFlag& c) override { cuda::upsample(begin(c), a); }
  void smooth(const SmoothArgs& a, const CancelFlag& c) override { cuda::smooth(begin(c), a); }
  void grey(const GreyArgs& a, const CancelFlag& c) override { cuda::grey(begin(c), a); }
  void noise(const NoiseArgs& a, const CancelFlag& c) override { cuda::noise(begin(c), a); }
  void accumulate(const AccumulateArgs& a, const CancelFlag& c) override { cuda::accumulate(begin(c), a); }
  void channelRanges(const ChannelRangesArgs& a, const CancelFlag& c) override { cuda::channelRanges(begin(c), a); }
  void maskBatch(const MaskBatchArgs& a, const CancelFlag& c) override { cuda::maskBatch(begin(c), a); }
  void groupReduce(const GroupReduceArgs& a, const CancelFlag& c) override { cuda::groupReduce(begin(c), a); }
  void blur(const BlurArgs& a, const CancelFlag& c) override { cuda::blur(begin(c), a); }
  void ablate(const AblateArgs& a, const CancelFlag& c) override { cuda::ablate(begin(c), a); }
  void riseMask(const RiseMaskArgs& a, const CancelFlag& c) override { cuda::riseMask(begin(c), a); }
  void riseReduce(const RiseReduceArgs& a, const CancelFlag& c) override { cuda::riseReduce(begin(c), a); }
  void occlude(const OccludeArgs& a, const CancelFlag& c) override { cuda::occlude(begin(c), a); }
  void occlusionReduce(const OcclusionReduceArgs& a, const CancelFlag& c) override {
    cuda::occlusionReduce(begin(c), a);
  }
  void overlay(const OverlayArgs& a, const CancelFlag& c) override { cuda::overlay(begin(c), a); }

 protected:
  /** The launcher, ready for an op that `cancel` ends between two launches, as Code::aborted. */
  Launcher& begin(const CancelFlag& cancel) {
    launch_.begin(cancel);
    return launch_;
  }

  Launcher launch_;
};

}  // namespace sess::cuda

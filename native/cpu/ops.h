#pragma once

#include "core/ops.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

/** One function per op, each in the file of its name; backend.cc binds them to a pool and a kernel table. */
namespace sess::cpu {

struct Context {
  ThreadPool& pool;
  const Kernels& kernels;
  const CancelFlag& cancel;
};

void copy(const Context& context, const CopyArgs& args);
void flatten(const Context& context, const FlattenArgs& args);
void pyramid(const Context& context, const PyramidArgs& args);
void patches(const Context& context, const PatchesArgs& args);
void gather(const Context& context, const GatherArgs& args);
void score(const Context& context, const ScoreArgs& args);
void camReduce(const Context& context, const CamReduceArgs& args);
void fuse(const Context& context, const FuseArgs& args);
void fold(const Context& context, const FoldArgs& args);
void finish(const Context& context, const FinishArgs& args);
void upsample(const Context& context, const UpsampleArgs& args);
void smooth(const Context& context, const SmoothArgs& args);
void grey(const Context& context, const GreyArgs& args);
void noise(const Context& context, const NoiseArgs& args);
void accumulate(const Context& context, const AccumulateArgs& args);
void channelRanges(const Context& context, const ChannelRangesArgs& args);
void maskBatch(const Context& context, const MaskBatchArgs& args);
void groupReduce(const Context& context, const GroupReduceArgs& args);
void blur(const Context& context, const BlurArgs& args);
void ablate(const Context& context, const AblateArgs& args);
void riseMask(const Context& context, const RiseMaskArgs& args);
void riseReduce(const Context& context, const RiseReduceArgs& args);
void occlude(const Context& context, const OccludeArgs& args);
void occlusionReduce(const Context& context, const OcclusionReduceArgs& args);
void overlay(const Context& context, const OverlayArgs& args);

inline std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace sess::cpu

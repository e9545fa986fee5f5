#include "cpu/backend.h"

#include <new>

#include "core/error.h"
#include "cpu/ops.h"

namespace sess::cpu {

namespace {

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, Simd simd) : pool_(threads), kernels_(kernelsOf(simd)) {}

  void copy(const CopyArgs& args, const CancelFlag& cancel) override { run(cpu::copy, args, cancel); }
  void flatten(const FlattenArgs& args, const CancelFlag& cancel) override { run(cpu::flatten, args, cancel); }
  void pyramid(const PyramidArgs& args, const CancelFlag& cancel) override { run(cpu::pyramid, args, cancel); }
  void patches(const PatchesArgs& args, const CancelFlag& cancel) override { run(cpu::patches, args, cancel); }
  void gather(const GatherArgs& args, const CancelFlag& cancel) override { run(cpu::gather, args, cancel); }
  void score(const ScoreArgs& args, const CancelFlag& cancel) override { run(cpu::score, args, cancel); }
  void camReduce(const CamReduceArgs& args, const CancelFlag& cancel) override { run(cpu::camReduce, args, cancel); }
  void fuse(const FuseArgs& args, const CancelFlag& cancel) override { run(cpu::fuse, args, cancel); }
  void fold(const FoldArgs& args, const CancelFlag& cancel) override { run(cpu::fold, args, cancel); }
  void finish(const FinishArgs& args, const CancelFlag& cancel) override { run(cpu::finish, args, cancel); }
  void upsample(const UpsampleArgs& args, const CancelFlag& cancel) override { run(cpu::upsample, args, cancel); }
  void smooth(const SmoothArgs& args, const CancelFlag& cancel) override { run(cpu::smooth, args, cancel); }
  void grey(const GreyArgs& args, const CancelFlag& cancel) override { run(cpu::grey, args, cancel); }
  void noise(const NoiseArgs& args, const CancelFlag& cancel) override { run(cpu::noise, args, cancel); }
  void accumulate(const AccumulateArgs& args, const CancelFlag& cancel) override { run(cpu::accumulate, args, cancel); }
  void channelRanges(const ChannelRangesArgs& args, const CancelFlag& cancel) override {
    run(cpu::channelRanges, args, cancel);
  }
  void maskBatch(const MaskBatchArgs& args, const CancelFlag& cancel) override { run(cpu::maskBatch, args, cancel); }
  void groupReduce(const GroupReduceArgs& args, const CancelFlag& cancel) override {
    run(cpu::groupReduce, args, cancel);
  }
  void blur(const BlurArgs& args, const CancelFlag& cancel) override { run(cpu::blur, args, cancel); }
  void ablate(const AblateArgs& args, const CancelFlag& cancel) override { run(cpu::ablate, args, cancel); }
  void riseMask(const RiseMaskArgs& args, const CancelFlag& cancel) override { run(cpu::riseMask, args, cancel); }
  void riseReduce(const RiseReduceArgs& args, const CancelFlag& cancel) override { run(cpu::riseReduce, args, cancel); }
  void occlude(const OccludeArgs& args, const CancelFlag& cancel) override { run(cpu::occlude, args, cancel); }
  void occlusionReduce(const OcclusionReduceArgs& args, const CancelFlag& cancel) override {
    run(cpu::occlusionReduce, args, cancel);
  }
  void overlay(const OverlayArgs& args, const CancelFlag& cancel) override { run(cpu::overlay, args, cancel); }

 private:
  template <class Args>
  void run(void (*op)(const Context&, const Args&), const Args& args, const CancelFlag& cancel) {
    try {
      op(Context{pool_, kernels_, cancel}, args);
    } catch (const std::bad_alloc&) {
      throw Error(Code::outOfMemory, "not enough memory for the operation's working buffers");
    }
  }

  ThreadPool pool_;
  const Kernels& kernels_;
};

}  // namespace

std::unique_ptr<Backend> makeBackend(int threads, Simd simd) { return std::make_unique<CpuBackend>(threads, simd); }

}  // namespace sess::cpu

// Included once per instruction set, inside its namespace and target pragma; see kernels.cc.

#include "cpu/kernels/vector.inl"
//
#include "cpu/kernels/fold.inl"
#include "cpu/kernels/mask.inl"
#include "cpu/kernels/noise.inl"
#include "cpu/kernels/pixels.inl"
#include "cpu/kernels/reduce.inl"
#include "cpu/kernels/resize.inl"
#include "cpu/kernels/smooth.inl"
#include "cpu/kernels/up.inl"

static constexpr Kernels table = {
    .blendRows = blendRows,
    .rowsToLanes = rowsToLanes,
    .blendLanes = blendLanes,
    .lanesToRows = lanesToRows,
    .lerpRow = lerpRow,
    .reduceChannels = reduceChannels,
    .addScaled = addScaled,
    .bounds = bounds,
    .extremes = extremes,
    .expand = expand,
    .expandNormalised = expandNormalised,
    .foldMean = foldMean,
    .foldMeanAbove = foldMeanAbove,
    .foldMax = foldMax,
    .foldSum = foldSum,
    .finishMean = finishMean,
    .smoothRow = smoothRow,
    .smoothAlong = smoothAlong,
    .maskRun = maskRun,
    .mixRun = mixRun,
    .addNoise = addNoise,
    .tint = tint,
    .overWhiteRun = overWhiteRun,
};

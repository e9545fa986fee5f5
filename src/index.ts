export type { HeldClass } from './against.ts'
export type { Check, Verification, WindowDifference } from './bundle/check.ts'
export type { MapDifference } from './bundle/map-difference.ts'
export { verify } from './bundle/verify.ts'
export type { BaseCell, ComparedCell, Comparison, SessCell, SheetOptions } from './comparison.ts'
export { type DeviceInfo, devices, type ExplainerDevice } from './device.ts'
export { SessError, type SessErrorCode } from './error.ts'
export type { SalientObject, TopWindow } from './evidence.ts'
export { Explainer } from './explainer.ts'
export type { ClassScore, ExplainedWindow, Explanation, ExplanationOverlayOptions, SaliencyMap } from './explanation.ts'
export type { ImageSource, RawImage } from './io/photo.ts'
export type { LayerMap, LayerMaps } from './layer-maps.ts'
export type { ExplainerInfo } from './load.ts'
export { type MethodInfo, methodInfos as methods } from './methods/index.ts'
export type { MethodSupport } from './methods/support.ts'
export type { Peak } from './metrics/peak.ts'
export type { PeakWindows, Quartiles, Robustness, ScaleRobustness } from './metrics/robustness.ts'
export type { ModelAnalysis } from './models/info.ts'
export type { LayerReason } from './models/layer-reason.ts'
export type { ModelPreprocessing } from './models/preprocess.ts'
export {
  type InfoOptions,
  type ModelEntry,
  type ModelInfo,
  models,
  type PullOptions,
  type RegistryOptions,
} from './models/registry.ts'
export type { CudaDevice, Rect, Size } from './native.ts'
export type { ObjectsOptions } from './objects.ts'
export type { TargetLayer } from './onnx/layers.ts'
export type {
  AgainstClass,
  ClassifyOptions,
  CompareOptions,
  ExplainOptions,
  LayersOptions,
  LoadOptions,
  Progress,
  Smoothing,
  Target,
  VerifyOptions,
} from './options.ts'
export { patchPages } from './patch-pages.ts'
export type { Patches, PatchesOptions, PatchScale } from './patches.ts'
export type { Precision } from './provenance.ts'
export { type ColormapName, colormaps } from './render/colormaps.ts'
export type { ColourOptions, OverlayOptions } from './render/overlay.ts'
export type { PatchPicture } from './render/patch-pictures.ts'
export type { Picture, PictureFormat } from './render/picture.ts'
export type { SheetReportOptions } from './report/comparison-report.ts'
export type { ReportOptions } from './report/content.ts'
export type { BesideExplanation, ExplanationReportOptions } from './report/explanation-report.ts'
export type { Report } from './report/report.ts'
export type { Flags, Origin } from './report/run-again.ts'
export type { ResolvedOptions } from './resolved-options.ts'
export type { PlannedWindow } from './sess/geometry.ts'
export type { EstimatedPlan as Plan } from './sess/plan.ts'
export type { Timings } from './sess/stopwatch.ts'

import { invalidOption } from '../error.ts'
import { ablationCam } from './ablation-cam.ts'
import { cam } from './cam.ts'
import { eigenCam } from './eigen-cam.ts'
import { gradCam } from './grad-cam.ts'
import { gradCamPlusPlus } from './grad-cam-plus-plus.ts'
import { gradient } from './gradient.ts'
import { groupCam } from './group-cam.ts'
import { guidedBackprop } from './guided-backprop.ts'
import { guidedGradCam } from './guided-grad-cam.ts'
import { hiresCam } from './hires-cam.ts'
import { inputXGradient } from './input-x-gradient.ts'
import { integratedGradients } from './integrated-gradients.ts'
import { layerCam } from './layer-cam.ts'
import type { Method } from './method.ts'
import { occlusion } from './occlusion.ts'
import { rise } from './rise.ts'
import { scoreCam } from './score-cam.ts'
import { smoothgrad } from './smoothgrad.ts'
import { xgradCam } from './xgrad-cam.ts'

export type { Method } from './method.ts'

/** Every base method, by name. */
export const methods: readonly Method[] = [
  gradCam,
  gradCamPlusPlus,
  xgradCam,
  hiresCam,
  layerCam,
  cam,
  eigenCam,
  gradient,
  inputXGradient,
  guidedBackprop,
  smoothgrad,
  integratedGradients,
  guidedGradCam,
  scoreCam,
  groupCam,
  ablationCam,
  rise,
  occlusion,
]

/** What users see of a method. */
export type MethodInfo = Pick<Method, 'name' | 'title' | 'source'>

export const methodInfos: readonly MethodInfo[] = methods.map(({ name, title, source }) => ({ name, title, source }))

/** @throws SessError `OPTION_INVALID` for an unknown name, with the known ones */
export function methodByName(name: string): Method {
  const method = methods.find((candidate) => candidate.name === name)
  if (method === undefined) {
    throw invalidOption('method', name, `one of ${methods.map((known) => known.name).join(', ')}`)
  }
  return method
}

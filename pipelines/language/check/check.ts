import { error, type Finding, keyAt } from '../diagnostic.ts'
import { BOUNDS } from '../source.ts'
import { conflicts } from './conflicts.ts'
import { cycles } from './cycles.ts'
import { endless } from './endless.ts'
import { envNames } from './env-names.ts'
import { forms } from './forms.ts'
import { images } from './images.ts'
import { matrices } from './matrices.ts'
import { names } from './names.ts'
import { notices } from './notices.ts'
import { puts } from './puts.ts'
import { reach } from './reach.ts'
import { values } from './values.ts'
import type { World } from './world.ts'

/** What a shape cannot say: unknown names, circles, values that will not do what the author hopes. */
export function check(world: World): Finding[] {
  const many = tooManyJobs(world)
  if (many.length > 0) return many
  const looks = [
    ...[names, cycles, endless, conflicts, values, images],
    ...[matrices, forms, envNames, puts, reach, notices],
  ]
  return looks.flatMap((look) => look(world))
}

function tooManyJobs({ pipeline }: World): Finding[] {
  const { length } = pipeline.jobs
  if (length <= BOUNDS.jobs) return []
  return [error('bounds', keyAt('jobs'), `${length} jobs; at most ${BOUNDS.jobs} are allowed`)]
}

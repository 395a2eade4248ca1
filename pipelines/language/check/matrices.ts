import { ownIn } from '../../own-in.ts'
import { legsOf, MOST_LEGS } from '../../plan/matrix.ts'
import { error, type Finding, keyAt, valueAt } from '../diagnostic.ts'
import type { Job, Matrix } from '../pipeline.ts'
import { hintFor } from '../suggest.ts'
import type { World } from './world.ts'

/** Combinations that cannot be, and too many of them. */
export const matrices = ({ pipeline }: World): Finding[] =>
  pipeline.jobs.flatMap((job) =>
    job.matrix ? [...excluded(job, job.matrix), ...included(job, job.matrix), ...count(job, job.matrix)] : [],
  )

function excluded({ name }: Job, { axes, exclude }: Matrix): Finding[] {
  return exclude.flatMap((entry, index) =>
    Object.entries(entry).flatMap(([axis, value]) => {
      const path = ['jobs', name, 'matrix', 'exclude', index, axis]
      const values = ownIn(axes, axis)
      if (!values)
        return [
          error(
            'matrix',
            keyAt(...path),
            `the matrix has no axis \`${axis}\``,
            hintFor(axis, Object.keys(axes)),
          ),
        ]
      if (values.includes(value)) return []
      return [
        error('matrix', valueAt(...path), `the axis \`${axis}\` has no \`${value}\``, hintFor(value, values)),
      ]
    }),
  )
}

function included({ name }: Job, { axes, include }: Matrix): Finding[] {
  return include.flatMap((entry, index) => {
    const missing = Object.keys(axes).filter((axis) => !Object.hasOwn(entry, axis))
    if (missing.length === 0) return []
    const place = valueAt('jobs', name, 'matrix', 'include', index)
    return [
      error(
        'matrix',
        place,
        `this combination has no value for ${missing.map((axis) => `\`${axis}\``).join(' and ')}`,
      ),
    ]
  })
}

function count({ name }: Job, matrix: Matrix): Finding[] {
  const legs = legsOf(matrix)
  const place = keyAt('jobs', name, 'matrix')
  if (legs && legs.length > 0 && legs.length <= MOST_LEGS) return []
  if (legs?.length === 0) return [error('matrix', place, 'no combination is left: the job would never run')]
  const many = legs ? String(legs.length) : 'far too many'
  return [error('bounds', place, `${many} combinations; at most ${MOST_LEGS} are allowed`)]
}

import type { Histogram, Metrics } from '../http/metrics.ts'

const BOUNDS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 300]

/** How late the times of schedules are written down. */
export const scheduleLag = (metrics: Metrics): Histogram =>
  metrics.histogram(
    'takt_schedule_lag_seconds',
    'How long after it was due a time of a schedule was written down',
    BOUNDS_S,
  )

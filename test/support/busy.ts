/** How long this process computes for something, in ms. What else the machine does meanwhile does not count. */
export function busyMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

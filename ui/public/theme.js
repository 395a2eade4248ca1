// Runs before the first paint, so that a chosen theme never flashes in the other one's colours.
try {
  const chosen = localStorage.getItem('takt.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage is closed to us: the system's preference stands.
}

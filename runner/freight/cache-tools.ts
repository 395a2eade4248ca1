import type { Plan } from '#pipelines/wire/plan.ts'
import { CACHES } from '../engine.ts'

/** What tells each well-known tool to keep its cache in a given folder. */
const TOOLS: Readonly<Record<string, (folder: string) => Readonly<Record<string, string>>>> = {
  npm: (folder) => ({ npm_config_cache: folder }),
  yarn: (folder) => ({ YARN_CACHE_FOLDER: folder, YARN_ENABLE_GLOBAL_CACHE: 'false' }),
  pnpm: (folder) => ({ npm_config_store_dir: folder }),
  bun: (folder) => ({ BUN_INSTALL_CACHE_DIR: folder }),
  deno: (folder) => ({ DENO_DIR: folder }),
  pip: (folder) => ({ PIP_CACHE_DIR: folder }),
  uv: (folder) => ({ UV_CACHE_DIR: folder }),
  poetry: (folder) => ({ POETRY_CACHE_DIR: folder }),
  maven: (folder) => ({ MAVEN_ARGS: `-Dmaven.repo.local=${folder}` }),
  gradle: (folder) => ({ GRADLE_USER_HOME: folder }),
  go: (folder) => ({ GOMODCACHE: `${folder}/mod`, GOCACHE: `${folder}/build` }),
  cargo: (folder) => ({ CARGO_HOME: folder }),
  composer: (folder) => ({ COMPOSER_CACHE_DIR: folder }),
  bundler: (folder) => ({ BUNDLE_PATH: folder }),
  nuget: (folder) => ({ NUGET_PACKAGES: folder }),
  ccache: (folder) => ({ CCACHE_DIR: folder }),
  sccache: (folder) => ({ SCCACHE_DIR: folder }),
}

/** The names of caches that need no paths. */
export const KNOWN_TOOLS = Object.keys(TOOLS)

/** The variables that lead the tools of a run's caches into its workspace. */
export function cacheVariables({ caches }: Pick<Plan, 'caches'>, root: string): Record<string, string> {
  const ofTools = caches.filter(({ paths }) => paths.length === 0)
  return Object.assign({}, ...ofTools.map(({ name }) => TOOLS[name]?.(`${root}/${CACHES}/${name}`) ?? {}))
}

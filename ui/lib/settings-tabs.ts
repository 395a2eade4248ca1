import type { Me } from './api.ts'
import type { Organization } from './organizations-api.ts'
import type { Place } from './places.ts'

/** Who looks at the settings, and what they are where. */
export type Settler = { readonly me: Me; readonly organizations: readonly Organization[] }

/** One page of the settings; its address is its own. */
export type SettingsTab = {
  readonly words: string
  readonly href: string
  /** The pages that belong to it. */
  readonly pages: readonly Place['page'][]
  /** Whether it is of use to whoever is signed in; without it, to everybody. */
  readonly isFor?: (who: Settler) => boolean
}

const isAdminSomewhere = ({ me, organizations }: Settler) =>
  me.role === 'admin' || organizations.some(({ role }) => role === 'admin')

const hasRoleSomewhere = ({ me, organizations }: Settler) =>
  me.role === 'admin' || organizations.some(({ role }) => role !== null)

/** What people settle besides their lines, in the order shown. A page joins with a line here. */
export const SETTINGS_TABS: readonly SettingsTab[] = [
  {
    words: 'Organizations',
    href: '/settings',
    pages: [
      'organizations',
      'organization',
      'secrets',
      'values',
      'notices',
      'services',
      'statuses',
      'sources',
      'hooks',
    ],
  },
  { words: 'People and programs', href: '/users', pages: ['users'], isFor: ({ me }) => me.role === 'admin' },
  { words: 'Server', href: '/settings/server', pages: ['server'], isFor: ({ me }) => me.role === 'admin' },
  { words: 'Policies', href: '/policies', pages: ['policies'], isFor: hasRoleSomewhere },
  { words: 'Audit log', href: '/audit', pages: ['audit'], isFor: isAdminSomewhere },
  { words: 'Account', href: '/account', pages: ['account'] },
]

export const tabsFor = (who: Settler): readonly SettingsTab[] =>
  SETTINGS_TABS.filter(({ isFor }) => isFor?.(who) ?? true)
export const isSettings = (page: Place['page']): boolean =>
  SETTINGS_TABS.some(({ pages }) => pages.includes(page))

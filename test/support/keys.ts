import { Keyring } from '../../server/secrets/keyring.ts'

/** The keys of nobody in particular, for those who open nothing. */
export const someKeys = (): Promise<Keyring> => Keyring.open(async () => ['a key of nobody in particular'])

import type { ColumnType } from 'kysely'

/** A moment that the database fills in where nobody says another. */
export type Time = ColumnType<Date, Date | undefined, Date>
/** Written as JSON text, read as what it says. */
export type Json<T> = ColumnType<T, string, string>

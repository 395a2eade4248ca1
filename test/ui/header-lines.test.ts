import { expect, test } from 'vitest'
import { headersIn, headerText } from '../../ui/lib/header-lines.ts'

test('headers are written one to a line, and read back as they were', () => {
  const headers = { Authorization: 'Bearer $(secret.KEY)', 'X-Where': 'a: b', Empty: '' }
  expect(headerText(headers)).toBe('Authorization: Bearer $(secret.KEY)\nX-Where: a: b\nEmpty: ')
  expect(headersIn(`\n ${headerText(headers)} \r\n`)).toEqual({ headers })
})

test.each(['no colon', ': no name'])('`%s` is no header', (wrong) =>
  expect(headersIn(`a: b\n${wrong}`)).toEqual({ wrong }),
)

// What does a user read about the options? `--help` and the README's tables, both made from the option table.
import { type Option, type OptionTable, optionEnv, optionKey } from './options-table.ts'

/**
 * Renders the answer to `--help`: a heading, then the options by group with their default and environment variable, then a
 * paragraph of the program's own.
 */
export function helpText(heading: string, table: OptionTable, footer?: string): string {
  const lines = [heading]
  for (const [group, entries] of byGroup(table)) {
    lines.push('', `${group}:`)
    for (const [name, option] of entries) {
      lines.push(`  ${usage(name, option)}`, ...wrap(option.help, 8, 88))
      const likes = Object.entries(option.likes).map(
        ([like, { shown }]) => ` [with --like ${like}: ${shown}]`,
      )
      lines.push(`        [default: ${option.shownDefault}]${likes.join('')} [${optionEnv(name)}]`)
    }
  }
  if (footer !== undefined) lines.push('', ...wrap(footer, 0, 96))
  lines.push(
    '',
    'A flag beats its environment variable, which beats the --config file, which beats the default.',
    'An empty environment variable counts as not set. Lists are separated by commas or given several times.',
    '',
  )
  return lines.join('\n')
}

/** Renders the tables of the README, one per group. */
export function markdownTable(table: OptionTable): string {
  const sections: string[] = []
  for (const [group, entries] of byGroup(table)) {
    const rows = entries.map(([name, option]) => {
      const allowed = option.placeholder === '' ? '' : ` Must be ${option.allowed}.`
      const cells = [
        `\`${usage(name, option)}\``,
        `\`${optionEnv(name)}\``,
        shownDefaults(option),
        `${option.help}${allowed}`,
      ]
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
    })
    const head = ['| Flag | Environment | Default | Meaning |', '|---|---|---|---|']
    sections.push([`**${group}**`, '', ...head, ...rows].join('\n'))
  }
  return sections.join('\n\n')
}

function shownDefaults({ shownDefault, likes }: Option<unknown>): string {
  const others = Object.entries(likes).map(
    ([like, { shown }]) => `${shown} with \`--like ${like}\``,
  )
  return [shownDefault, ...others].join('; ')
}

function usage(name: string, { placeholder }: Option<unknown>): string {
  const key = optionKey(name)
  return placeholder === '' ? `--[no-]${key}` : `--${key} ${placeholder}`
}

function byGroup(table: OptionTable): Map<string, [string, Option<unknown>][]> {
  return Map.groupBy(Object.entries(table), ([, { group }]) => group)
}

function wrap(text: string, indent: number, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].map((part) => ' '.repeat(indent) + part)
}

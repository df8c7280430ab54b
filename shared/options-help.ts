// What does a user read about the options? `--help` and the README's tables, both made from the option table.
import { type Option, type OptionTable, optionEnv, optionKey } from './options-table.ts'

/** Renders the answer to `--help`: a heading, then the options by group with their default and environment variable. */
export function helpText(heading: string, table: OptionTable): string {
  const lines = [heading]
  for (const [group, entries] of byGroup(table)) {
    lines.push('', `${group}:`)
    for (const [name, option] of entries) {
      lines.push(`  ${usage(name, option)}`, ...wrap(option.help, 8, 88))
      lines.push(`        [default: ${option.shownDefault}] [${optionEnv(name)}]`)
    }
  }
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
        option.shownDefault,
        `${option.help}${allowed}`,
      ]
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
    })
    const head = ['| Flag | Environment | Default | Meaning |', '|---|---|---|---|']
    sections.push([`**${group}**`, '', ...head, ...rows].join('\n'))
  }
  return sections.join('\n\n')
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

// autocannon ships no types; these are the parts that bench/autocannon-load.ts uses.
declare module 'autocannon' {
  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Buffer
  }
  interface Result {
    readonly '2xx': number
    readonly non2xx: number
    readonly errors: number
    readonly duration: number
    readonly throughput: { readonly total: number }
    readonly latency: { readonly p50: number; readonly p99: number; readonly p99_9: number }
  }
  function autocannon(options: Options): Promise<Result>
  export = autocannon
}

// What does a browser see of the page that page.ts writes? Runs in it; `asked` and `scripts` are set there.
const { parts, hosts, uploadBytes } = globalThis.asked

const numbers = (count) => Array.from({ length: count }, (_, at) => at)

async function statusOf(url) {
  try {
    // Without credentials it would be a connection of its own: browsers keep those apart.
    return (await fetch(url, { credentials: 'include' })).status
  } catch {
    return 0
  }
}

/** Says hello to a WebSocket and hears it again. */
function hello() {
  return new Promise((resolve) => {
    const socket = new WebSocket(`wss://${location.host}/echo`)
    socket.onopen = () => socket.send('hello')
    socket.onmessage = ({ data }) => resolve(String(data))
    socket.onerror = () => resolve('error')
  })
}

async function look() {
  const style = getComputedStyle(document.documentElement)
  const isStyled = (at) => style.getPropertyValue(`--style-${at}`).trim() === String(at)
  const isShown = (at) => document.images[at]?.naturalWidth === at + 1
  const data = await Promise.all(
    numbers(parts.data).map(async (at) => (await (await fetch(`/data/${at}`)).json()).at === at),
  )
  const download = (await (await fetch('/large')).arrayBuffer()).byteLength
  const upload = await fetch('/upload', { method: 'POST', body: new Uint8Array(uploadBytes) })
  const echo = await hello()
  const seen = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
  const own = seen.filter(({ name }) => name.startsWith(location.origin))
  const result = {
    whole:
      numbers(parts.image).filter(isShown).length +
      numbers(parts.style).filter(isStyled).length +
      globalThis.scripts.length +
      data.filter(Boolean).length,
    protocols: [...new Set(own.map(({ nextHopProtocol }) => nextHopProtocol))],
    download,
    upload: await upload.text(),
    echo,
    shared: await statusOf(`https://${hosts.shared}/data/0`),
    guarded: await statusOf(`https://${hosts.guarded}/data/0`),
  }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
}

addEventListener('load', () => void look())

import t from 'tap'
import { parseLocationSnippet, parseServerSnippet } from './snippet.ts'
import type { Snippet } from './snippet-wishes.ts'

const added = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308]

const read: { text: string; server?: true; is: Partial<Snippet>; why: string }[] = [
  {
    text: 'more_set_headers "X-Frame-Options: DENY" "X-A:b";',
    is: {
      response: [
        { act: 'set', name: 'x-frame-options', value: ['DENY'] },
        { act: 'set', name: 'x-a', value: ['b'] },
      ],
    },
    why: 'several in one',
  },
  {
    text: `more_set_headers -s '404 500' 'X-A: b'; more_set_headers 'Server'; more_clear_headers X-B;`,
    is: {
      response: [
        { act: 'set', name: 'x-a', value: ['b'], statuses: [404, 500] },
        { act: 'remove', name: 'server', value: [] },
        { act: 'remove', name: 'x-b', value: [] },
      ],
    },
    why: 'statuses, and a value that is empty removes',
  },
  {
    text: 'add_header X-A b; add_header X-B $host always;',
    is: {
      response: [
        { act: 'add', name: 'x-a', value: ['b'], statuses: added },
        { act: 'add', name: 'x-b', value: [{ from: 'host' }] },
      ],
    },
    why: 'nginx adds to good answers and redirects only, unless always',
  },
  {
    text: 'more_set_headers "X: 1"; add_header X 2 always; proxy_hide_header X;',
    is: {
      response: [
        { act: 'remove', name: 'x', value: [], isUpstreamOnly: true },
        { act: 'add', name: 'x', value: ['2'] },
        { act: 'set', name: 'x', value: ['1'] },
      ],
    },
    why: 'the order of nginx’s modules, not that of the text',
  },
  {
    text: 'proxy_set_header X-Id $request_id; proxy_set_header X-Gone ""; more_set_input_headers "X-In: a$uri";',
    is: {
      request: [
        { act: 'set', name: 'x-id', value: [{ from: 'request-id' }] },
        { act: 'remove', name: 'x-gone', value: [] },
        { act: 'set', name: 'x-in', value: ['a', { from: 'path' }] },
      ],
    },
    why: 'request headers',
  },
  {
    text: 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    is: {},
    why: 'Weir does that by itself',
  },
  {
    text: 'proxy_http_version 1.1; client_max_body_size 10m; more_set_headers "X-Frame-Options DENY";',
    is: {
      idle: [
        'proxy_http_version 1.1',
        'client_max_body_size 10m',
        'X-Frame-Options DENY, which lacks its colon',
      ],
    },
    why: 'what neither protects nor says anything is read over',
  },
  {
    text: 'expires 1h; proxy_redirect off;',
    is: {
      response: [{ act: 'set', name: 'cache-control', value: ['max-age=3600'], statuses: added }],
      idle: ['proxy_redirect off'],
    },
    why: 'a time from now, and what is so anyway',
  },
  {
    text: 'expires -1;',
    is: {
      response: [
        { act: 'set', name: 'cache-control', value: ['no-cache'], statuses: added },
        {
          act: 'set',
          name: 'expires',
          value: ['Thu, 01 Jan 1970 00:00:01 GMT'],
          statuses: added,
        },
      ],
    },
    why: 'in the past',
  },
  {
    text: 'return 301 https://b.test$uri$is_args$args;',
    is: {
      answers: [
        {
          status: 301,
          location: [
            'https://b.test',
            { from: 'path' },
            { from: 'question-mark' },
            { from: 'query-string' },
          ],
        },
      ],
    },
    why: 'a query with its question mark',
  },
  {
    text: 'return 301 $scheme://$host:$server_port/dav;',
    is: {
      answers: [
        {
          status: 301,
          location: [{ from: 'scheme' }, '://', { from: 'host' }, ':', { from: 'port' }, '/dav'],
        },
      ],
    },
    why: 'the usual port of the scheme',
  },
  {
    text: 'grpc_set_header Host inner.test; grpc_read_timeout 3600s;',
    is: { host: ['inner.test'], idle: ['grpc_read_timeout 3600s'] },
    why: 'the same for gRPC',
  },
  {
    text: 'proxy_set_header Host inner.test;',
    is: { host: ['inner.test'] },
    why: 'Host is of the routing',
  },
  {
    text: 'proxy_set_header l5d-dst-override $service_name.$namespace.svc.cluster.local:$service_port;',
    is: {
      request: [
        {
          act: 'set',
          name: 'l5d-dst-override',
          value: [
            { from: 'name', of: 'service' },
            '.',
            { from: 'name', of: 'namespace' },
            '.svc.cluster.local:',
            { from: 'name', of: 'port' },
          ],
        },
      ],
    },
    why: 'the names of the route, as for Linkerd',
  },
  {
    text: 'proxy_set_header X-A b;',
    server: true,
    is: {},
    why: 'locations of ingress-nginx take over none of their server',
  },
  {
    text: 'allow 10.0.0.0/8; deny all;',
    is: {
      access: [
        { allows: true, from: '10.0.0.0/8' },
        { allows: false, from: 'all' },
      ],
    },
    why: 'rules in their order',
  },
  {
    text: 'return 444; return 200 "ok\\n"; return 301 https://b.test$request_uri; return https://b.test/;',
    is: {
      answers: [
        { status: 444 },
        { status: 200, body: ['ok\n'] },
        { status: 301, location: ['https://b.test', { from: 'uri' }] },
        { status: 302, location: ['https://b.test/'] },
      ],
    },
    why: 'statuses, texts, URLs',
  },
  {
    text: 'rewrite ^/old/(.*)$ /new/$1 permanent; rewrite ^/x https://b.test/y? redirect;',
    is: {
      answers: [
        {
          pattern: '^/old/(.*)$',
          status: 301,
          location: ['/new/', { from: 'group', group: 1 }],
          keepsQuery: true,
        },
        { pattern: '^/x', status: 302, location: ['https://b.test/y?'], keepsQuery: true },
      ],
    },
    why: 'redirects by pattern',
  },
  {
    text: 'rewrite ^(/dashboard)$ $1/ redirect;',
    is: {
      answers: [
        {
          pattern: '^(/dashboard)$',
          status: 302,
          location: [{ from: 'group', group: 1 }, '/'],
          keepsQuery: true,
        },
      ],
    },
    why: 'a slash behind what the pattern caught',
  },
  {
    text: 'location = /robots.txt { default_type text/plain; return 200 "x"; } location ~* \\.php$ { deny all; }',
    server: true,
    is: {
      locations: [
        {
          is: 'exact',
          text: '/robots.txt',
          isFirm: true,
          answers: [{ status: 200, body: ['x'] }],
          access: [],
          fields: [['content-type', 'text/plain']],
        },
        {
          is: 'pattern',
          text: '(?i)\\.php$',
          isFirm: false,
          answers: [],
          access: [{ allows: false, from: 'all' }],
          fields: [],
        },
      ],
    },
    why: 'locations that answer themselves',
  },
]

const nothing: Snippet = {
  request: [],
  response: [],
  access: [],
  answers: [],
  fields: [],
  locations: [],
  idle: [],
}

for (const { text, server, is, why } of read) {
  t.test(`${text}: ${why}`, async (t) => {
    const result = server === true ? parseServerSnippet(text) : parseLocationSnippet(text)
    t.same(result, { ok: true, value: { ...nothing, ...is } })
  })
}

const refused: { text: string; server?: true; says: RegExp; why: string }[] = [
  {
    text: 'more_set_headers "X: y"; sub_filter "a" "b";',
    says: /holds "sub_filter \\"a\\" \\"b\\"", which is not read: bodies/,
    why: 'one directive outside of the list is enough, and is quoted',
  },
  {
    text: 'if ($host = a) { return 403; }',
    says: /"if \(\$host = a\)".*match-header/,
    why: 'conditions',
  },
  { text: 'access_by_lua_block { x; }', says: /write a filter in JavaScript/, why: 'programs' },
  {
    text: 'add_header X $geoip_city;',
    says: /\$geoip_city, which is none of/,
    why: 'another variable',
  },
  { text: 'add_header X "a$";', says: /has \$, which is none of/, why: 'a lone $' },
  { text: 'add_header X a b c;', says: /add_header NAME VALUE/, why: 'too many words' },
  { text: 'add_header "X Y" a;', says: /not a header name/, why: 'no name' },
  { text: 'add_header X "a\\nSet-Cookie: b";', says: /one line of ASCII/, why: 'a split head' },
  {
    text: 'more_set_headers "Content-Length: 0";',
    says: /belongs to the connection/,
    why: 'framing',
  },
  { text: 'more_set_headers -t text/html "X: y";', says: /option -t/, why: 'by type' },
  { text: 'more_clear_headers "X-Hidden-*";', says: /name each header/, why: 'wildcards' },
  { text: 'rewrite ^/a /b break;', says: /rewrite-target/, why: 'no redirect' },
  { text: 'rewrite (?=a) /b permanent;', says: /pattern cannot be used/, why: 'look-around' },
  { text: 'return 301;', says: /no URL/, why: 'nowhere' },
  { text: 'return 100;', says: /200 to 599/, why: 'no final status' },
  { text: 'return 301 javascript:alert(1);', says: /must begin with/, why: 'no URL' },
  { text: 'deny 10.0.0.0/99;', says: /deny 10.0.0.0\/99/, why: 'no network' },
  { text: 'location /x { return 403; }', says: /"location \/x"/, why: 'not within a location' },
  {
    text: 'location /x { deny 10.0.0.1; }',
    server: true,
    says: /neither returns/,
    why: 'serves others',
  },
  {
    text: 'location /x { proxy_pass http://y; return 403; }',
    server: true,
    says: /proxy_pass/,
    why: 'inside',
  },
  { text: 'location /a%20b { deny all; }', server: true, says: /not literal/, why: 'an odd path' },
  { text: 'deny all', says: /lacks the ;/, why: 'not nginx’s text at all' },
]

for (const { text, server, says, why } of refused) {
  t.test(`${text} is refused: ${why}`, async (t) => {
    const result = server === true ? parseServerSnippet(text) : parseLocationSnippet(text)
    t.match(result, { ok: false, reason: says })
  })
}

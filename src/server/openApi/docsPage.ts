import { STATUS_CODES } from 'node:http';
import { docsStyle } from './docsStyle.ts';
import type { JsonSchema, OpenApiAnswer, OpenApiDocument, OpenApiOperation } from './document.ts';

type Schemas = Readonly<Record<string, JsonSchema>>;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** The document as a page that needs nothing but itself: no script, no font, no request. `host` stands in the examples. */
export function docsPage(document: OpenApiDocument, host: string): string {
  const { info, paths, tags, components } = document;
  const calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Call => ({ method, path, operation })),
  );
  const groups = tags.map(({ name }) => ({
    name,
    calls: calls.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const shownHost = /^[\w.:[\]-]+$/.test(host) ? host : '127.0.0.1:4000';
  const schemas = Object.entries(components.schemas).sort(([one], [other]) => (one < other ? -1 : 1));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API</title>
<style>${docsStyle}</style>
</head>
<body>
<nav aria-label="Calls">
<p class="name"><a href="#top">${escaped(info.title)}</a> <small>${escaped(info.version)}</small></p>
${groups.map(({ name, calls }) => navGroup(name, calls)).join('\n')}
<h2>Schemas</h2>
<ul>${schemas.map(([name]) => `<li>${schemaLink(name)}</li>`).join('')}</ul>
</nav>
<main id="top">
<header>
<h1>${escaped(info.title)} API</h1>
<p>${prose(info.description)}</p>
<p class="source">OpenAPI 3.1: <a href="openapi.json">openapi.json</a></p>
</header>
${groups.map(({ name, calls }) => `<h2>${escaped(name)}</h2>\n${calls.map((call) => section(call, shownHost, components.schemas)).join('\n')}`).join('\n')}
<h2>Schemas</h2>
${schemas.map(([name, schema]) => schemaSection(name, schema)).join('\n')}
</main>
</body>
</html>
`;
}

function navGroup(name: string, calls: readonly Call[]): string {
  const items = calls.map(
    ({ method, path, operation }) =>
      `<li><a href="#${operation.operationId}">${badge(method)} <span>${escaped(shortPath(path))}</span></a></li>`,
  );
  return `<h2>${escaped(name)}</h2>\n<ul>${items.join('')}</ul>`;
}

function section({ method, path, operation }: Call, host: string, schemas: Schemas): string {
  const { operationId, summary, description = '', parameters = [], requestBody, responses } = operation;
  const { schema, example } = requestBody?.content['application/json'] ?? {};
  const paragraphs = description.split('\n\n').filter((text) => text !== '');
  const rows = parameters.map(({ name, in: where, schema: type, description: said }) => [
    `<code>${escaped(name)}</code><small>${where}</small>`,
    typeText(type),
    prose(said),
  ]);
  const answers = Object.entries(responses).filter(([status]) => status !== 'default');
  return `<section id="${operationId}">
<h3>${escaped(summary)}</h3>
<p class="call">${badge(method)} <code>${pathText(path)}</code></p>
${paragraphs.map((text) => `<p>${prose(text)}</p>`).join('\n')}
${rows.length === 0 ? '' : `<h4>Parameters</h4>\n${table(rows)}`}
${schema === undefined ? '' : `<h4>Body: ${typeText(schema)}</h4>\n${bodyTable(schema, schemas)}`}
<h4>Example</h4>
<pre><code>${escaped(curl(method, path, host, example))}</code></pre>
<h4>Answers</h4>
<dl class="answers">${answers.map(([status, answer]) => answerText(status, answer)).join('')}</dl>
</section>`;
}

/** The members of a body; of one that may be several things, of the first. */
function bodyTable(schema: JsonSchema, schemas: Schemas): string {
  const first = (schema.anyOf?.[0] as JsonSchema | undefined) ?? schema;
  const meant = first.$ref === undefined ? first : schemas[first.$ref.split('/').at(-1) ?? ''];
  return meant === undefined ? '' : table(memberRows(meant));
}

function answerText(status: string, { description, content = {}, headers }: OpenApiAnswer): string {
  const types = Object.entries(content).map(([media, { schema }]) =>
    media === 'application/json' ? typeText(schema) : `<code>${escaped(media)}</code>`,
  );
  const also = headers === undefined ? '' : ' <small>with <code>Retry-After</code></small>';
  const type = types.length === 0 ? '' : `<br><span class="type">${types.join(', ')}</span>`;
  const title = STATUS_CODES[status] ?? '';
  return `<dt class="s${status[0]}" title="${title}">${status}</dt><dd>${prose(description)}${also}${type}</dd>`;
}

function schemaSection(name: string, schema: JsonSchema): string {
  const { anyOf, description = '' } = schema;
  return `<section id="schema-${name}" class="schema">
<h3>${escaped(name)}</h3>
<p>${prose(description)}</p>
${anyOf ? `<p>${typeText({ anyOf })}</p>` : table(memberRows(schema))}
</section>`;
}

function memberRows({ properties = {}, required = [] }: JsonSchema): string[][] {
  return Object.entries(properties as Schemas).map(([name, member]) => [
    `<code>${escaped(name)}</code>${required.includes(name) ? '' : '<small>optional</small>'}`,
    typeText(member),
    prose(member.description ?? ''),
  ]);
}

function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<div class="wide"><table>${cells.join('')}</table></div>`;
}

/** A schema in a few words, as HTML. */
function typeText(schema: JsonSchema): string {
  const { $ref, anyOf, enum: values, const: value, type, items, properties } = schema;
  if ($ref !== undefined) return schemaLink($ref.split('/').at(-1) ?? '');
  if (anyOf !== undefined) return anyOf.map((one) => typeText(one as JsonSchema)).join(' or ');
  if (value !== undefined) return `<code>${escaped(JSON.stringify(value))}</code>`;
  if (values !== undefined && values.length > 12) return 'one of its codes';
  if (values !== undefined) return values.map((one) => `<code>${escaped(String(one))}</code>`).join(' ');
  if (type === 'array') return `list of ${typeText((items ?? {}) as JsonSchema)}`;
  if (properties !== undefined) {
    const members = Object.entries(properties as Record<string, JsonSchema>);
    return `{ ${members.map(([name, one]) => `<code>${escaped(name)}</code> ${typeText(one)}`).join(', ')} }`;
  }
  return `${escaped(typeof type === 'string' ? type : 'anything')}${bounds(schema)}`;
}

function bounds({ minimum, maximum, minLength, maxLength, default: byDefault }: JsonSchema): string {
  const from = minimum ?? minLength;
  const to = maximum === Number.MAX_SAFE_INTEGER ? undefined : (maximum ?? maxLength);
  const unit = minLength === undefined && maxLength === undefined ? '' : ' characters';
  const said = [
    ...(to !== undefined ? [`${from ?? 0} to ${to}${unit}`] : from !== undefined ? [`from ${from}${unit}`] : []),
    ...(byDefault === undefined ? [] : [`default ${JSON.stringify(byDefault)}`]),
  ];
  return said.length === 0 ? '' : ` <small>${escaped(said.join(', '))}</small>`;
}

const exampleIds: Readonly<Record<string, string>> = {
  plan_id: 'trip-1',
  message_id: 'trip-1-7',
  draft_id: 'trip-1-8',
};

function curl(method: string, path: string, host: string, example: unknown): string {
  const url = `http://${host}${path.replace(/\{(\w+)\}/g, (_, name: string) => exampleIds[name] ?? name)}`;
  const how = method === 'get' ? '-s' : `-s -X ${method.toUpperCase()}`;
  if (path.endsWith('/events')) return `curl -N ${url}`;
  if (path.endsWith('/socket')) return `new WebSocket('${url.replace('http', 'ws')}', ['indelible.v1'])`;
  if (example === undefined) return `curl ${how} ${url}`;
  return `curl ${how} ${url} \\\n  -H 'content-type: application/json' \\\n  -d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`;
}

function schemaLink(name: string): string {
  return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
}

function badge(method: string): string {
  return `<b class="method ${method}">${method.toUpperCase()}</b>`;
}

/** What all paths begin with says nothing in a list. */
function shortPath(path: string): string {
  const below = path.replace(/^\/api\/v1/, '').replace(/^\/plans\/\{plan_id\}(?=\/)/, '…');
  return below.replace(/\{\w+\}/g, '{id}');
}

function pathText(path: string): string {
  return escaped(path)
    .replaceAll('/', '/<wbr>')
    .replace(/\{\w+\}/g, (parameter) => `<i>${parameter}</i>`);
}

/** Text whose code stands between backquotes. */
function prose(text: string): string {
  return escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

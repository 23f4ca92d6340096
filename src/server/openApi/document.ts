import { z } from 'zod';
import { idSchema } from '../../protocol/message.ts';
import { agentRoutes } from './agentRoutes.ts';
import { detailSchema } from './answers.ts';
import type { DescribedAnswer, DescribedRoute } from './describedRoute.ts';
import { peopleRoutes } from './peopleRoutes.ts';
import { readerRoutes } from './readerRoutes.ts';
import { selfRoutes } from './selfRoutes.ts';

/** Every call of /api/v1. A new one is described in one of these lists, or in a list of its own. */
export const describedRoutes: readonly DescribedRoute[] = [
  ...agentRoutes,
  ...readerRoutes,
  ...peopleRoutes,
  ...selfRoutes,
];

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface OpenApiAnswer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  readonly headers?: Readonly<Record<string, unknown>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description: string;
    readonly required: boolean;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: {
    readonly required: true;
    readonly content: { readonly 'application/json': { readonly schema: JsonSchema; readonly example: unknown } };
  };
  readonly responses: Readonly<Record<string, OpenApiAnswer>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const about =
  'Append messages of agents that run anywhere, and read them live. Errors are `{"detail": …}`. 503 comes with ' +
  '`Retry-After`: the same may be sent again. Members of answers that you do not know are to be passed over. ' +
  'There is no authentication yet: the server listens on loopback addresses only, and refuses other hosts, and writes ' +
  'of pages of other origins, with 403.';

/**
 * The description of /api/v1 in OpenAPI 3.1, made of {@link DescribedRoute}s. Schemas that have an id (zod's `meta`)
 * stand in `components`, by that id.
 */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const schemas = new SchemaTexts();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route, schemas) };
  }
  const { defs, of } = schemas.written();
  const placed = JSON.parse(JSON.stringify(paths), (_, value) =>
    typeof value?.$written === 'string' ? of(value.$written) : value,
  );
  return {
    openapi: '3.1.1',
    info: { title: 'Indelible', version, description: about },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ group }) => group))].map((name) => ({ name })),
    paths: placed,
    components: { schemas: defs },
  };
}

/** Schemas of zod, written as JSON Schema in one go at the end: so each that has an id is written once. */
class SchemaTexts {
  readonly #schemas: Record<string, z.ZodType> = {};

  /** What stands for the schema until it is written. */
  later(schema: z.ZodType): JsonSchema {
    const name = `schema${Object.keys(this.#schemas).length}`;
    this.#schemas[name] = schema;
    return { $written: name };
  }

  written(): { readonly defs: Readonly<Record<string, JsonSchema>>; of(name: string): JsonSchema } {
    const text = JSON.stringify(z.toJSONSchema(z.object(this.#schemas), { io: 'input' }));
    const { $defs = {}, properties = {} } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
    return { defs: $defs, of: (name) => properties[name] };
  }
}

function operation(route: DescribedRoute, schemas: SchemaTexts): OpenApiOperation {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    description: 'Percent-encoded',
    required: true,
    schema: schemas.later(idSchema),
  }));
  const others = (route.parameters ?? []).map(({ schema, ...one }) => ({
    ...one,
    required: false,
    schema: schemas.later(schema),
  }));
  const parameters = [...inPath, ...others];
  const anyOther: DescribedAnswer = { description: 'Whatever else is wrong', schema: detailSchema };
  const responses = Object.entries<DescribedAnswer>({ ...route.answers, default: anyOther });
  return {
    operationId: route.id,
    tags: [route.group],
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemas.later(route.body.schema), example: route.body.example } },
      },
    }),
    responses: Object.fromEntries(responses.map(([status, answer]) => [status, response(answer, schemas)])),
  };
}

function response(answer: DescribedAnswer, schemas: SchemaTexts): OpenApiAnswer {
  const { description, schema, mediaType = 'application/json', retryAfter = false } = answer;
  return {
    description,
    ...(schema && { content: { [mediaType]: { schema: schemas.later(schema) } } }),
    ...(retryAfter && {
      headers: { 'Retry-After': { description: 'After how many seconds to try again', schema: { type: 'integer' } } },
    }),
  };
}

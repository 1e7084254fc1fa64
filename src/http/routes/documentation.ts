import { z } from 'zod';
import { renderDocsPage } from '../docs-page.ts';
import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';
import type { HttpSettings } from '../settings.ts';

/** Seconds; both change with a release only. */
const CACHED = { 'cache-control': 'public, max-age=300' };

/** Both are made at the first request and kept for as long as the settings live. */
function once<Made>(make: (settings: HttpSettings) => Made): (settings: HttpSettings) => Made {
  const made = new WeakMap<HttpSettings, { readonly made: Made }>();
  return (settings) => {
    const known = made.get(settings) ?? { made: make(settings) };
    made.set(settings, known);
    return known.made;
  };
}

/**
 * The two routes that describe the others.
 *
 * @param table all other routes
 */
export function documentationRoutes(table: readonly Route[]): readonly Route[] {
  const openApi: Route = route({
    method: 'GET',
    path: '/openapi.json',
    name: 'openapi',
    group: 'Discovery',
    summary: 'This contract, for programs',
    description: 'OpenAPI 3.1, made from the schemas that validate.',
    who: 'anyone',
    responses: { 200: z.looseObject({ openapi: z.literal('3.1.0') }) },
    handle: async ({ settings }) => ({
      status: 200,
      body: documentOf(settings),
      headers: CACHED,
    }),
  });
  const docs: Route = route({
    method: 'GET',
    path: '/docs',
    name: 'docs',
    group: 'Discovery',
    summary: 'This contract, for people',
    who: 'anyone',
    responses: { 200: null },
    produces: 'text/html',
    async handle({ settings }) {
      const page = pageOf(settings);
      return {
        status: 200,
        text: page.html,
        headers: {
          ...CACHED,
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': page.contentSecurityPolicy,
        },
      };
    },
  });
  const all: readonly Route[] = [...table, openApi, docs];
  const documentOf = once((settings) => openApiDocument(all, settings));
  const pageOf = once((settings) => renderDocsPage(documentOf(settings)));
  return [openApi, docs];
}

import { z } from 'zod';
import { renderDocsPage } from '../docs-page.ts';
import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';

/** Seconds; both change with a release only. */
const CACHED = { 'cache-control': 'public, max-age=300' };

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
    async handle({ settings }) {
      const { basePath, version } = settings;
      return { status: 200, body: openApiDocument(all, { basePath, version }), headers: CACHED };
    },
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
      const { basePath, version } = settings;
      const page = renderDocsPage(openApiDocument(all, { basePath, version }));
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
  return [openApi, docs];
}

import { z } from 'zod';
import { listSchema } from '../objects/common.ts';
import { nodeOf, nodeSchema, statsOf, statsSchema } from '../objects/insight.ts';
import { type Route, route } from '../route.ts';

const nodes = route({
  method: 'GET',
  path: '/v1/admin/nodes',
  name: 'admin.nodes.list',
  group: 'Insight',
  summary: 'Nodes, and how far each has got',
  description: 'All of them on one page. Their addresses are the operator’s.',
  who: 'admin',
  responses: { 200: listSchema('nodes', nodeSchema) },
  async handle({ engine, caller }) {
    const found = await engine.administration.nodes(caller);
    return { status: 200, body: { nodes: found.map(nodeOf), next_cursor: null } };
  },
});

const stats = route({
  method: 'GET',
  path: '/v1/admin/stats',
  name: 'admin.stats.get',
  group: 'Insight',
  summary: 'Figures of the tenant',
  who: 'admin',
  responses: { 200: z.strictObject({ stats: statsSchema }) },
  async handle({ engine, caller }) {
    return { status: 200, body: { stats: statsOf(await engine.administration.stats(caller)) } };
  },
});

export const adminNodeRoutes: readonly Route[] = [nodes, stats];
